-- One row per return and breakdown: EHC plans in force on the survey day, by setting.
{{ plans_by_setting(
    'caseload', 'ehcplans', ref('plans_at_survey_day'), 'academic_year', 'Academic year'
) }}
