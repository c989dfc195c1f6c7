-- One row per return and breakdown: EHC plans new in the calendar year, by primary need.
{{ plans_by_need(
    'sen_need_newplans', ref('plans_started'), 'calendar_year', 'Calendar year'
) }}
