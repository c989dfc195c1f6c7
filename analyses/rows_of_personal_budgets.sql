-- The plans behind a figure of personal_budgets.csv: one row per figure and plan.
with

judged as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        pb = '1' as personal_budget,
        pb = '1' and oa = '1' as org_arrangments,
        pb = '1' and dp = 'H' as pb_health,
        pb = '1' and dp = 'E' as pb_education,
        pb = '1' and dp = 'S' as pb_social,
        pb = '1' and dp = 'I' as pb_integrated,
    from ({{ in_breakdowns('personal_budgets', ref('plans_at_survey_day')) }})
),

counted as (
    {{ figures_counting('judged') }}
)

{{ rows_behind('counted', 'named_plan') }}
