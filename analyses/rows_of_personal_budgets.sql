-- The plans behind a figure of personal_budgets.csv: one row per figure and plan.
with

judged as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        pb_word = 'yes' as personal_budget,
        pb_word = 'yes' and oa_word = 'yes' as org_arrangments,
        pb_word = 'yes' and dp_word = 'health' as pb_health,
        pb_word = 'yes' and dp_word = 'education' as pb_education,
        pb_word = 'yes' and dp_word = 'social_care' as pb_social,
        pb_word = 'yes' and dp_word = 'integrated' as pb_integrated,
    from ({{ in_breakdowns('personal_budgets', ref('plans_at_survey_day')) }})
),

counted as (
    {{ figures_counting('judged') }}
)

{{ rows_behind('counted', 'named_plan') }}
