-- One row per return and breakdown: EHC plans in force on the survey day, by primary need.
{{ plans_by_need(
    'sen_needs_all_plans', ref('plans_at_survey_day'), 'academic_year', 'Academic year'
) }}
