-- One row per return and breakdown: EHC plans new in the calendar year, by setting.
{{ plans_by_setting(
    'newplans', 'new_ehc_plans', ref('plans_started'), 'calendar_year', 'Calendar year'
) }}
