-- The plans behind a figure of caseload.csv, EHC plans in force on the survey day: one row per
-- figure and plan.
-- A percentage is made of the count whose name it has.
with

counted as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        unnest([
            'ehcplans',
            setting,
            setting_group,
            if(setting = 'special_academy_free', setting_kind, setting),
        ]) as figure,
    from ({{ in_breakdowns('caseload', ref('plans_at_survey_day')) }})
    where request_id is not null
),

-- A setting that is its own group is one figure.
distinct_figures as (
    select distinct * from counted
)

{{ rows_behind('distinct_figures', 'named_plan') }}
