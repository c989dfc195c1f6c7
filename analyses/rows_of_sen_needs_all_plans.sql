-- The plans behind a figure of sen_needs_all_plans.csv, EHC plans in force on the survey day: one
-- row per figure and plan.
-- A percentage is made of the count of the same need.
{{ rows_of_needs('sen_needs_all_plans', ref('plans_at_survey_day')) }}
