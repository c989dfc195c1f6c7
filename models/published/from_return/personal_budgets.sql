-- One row per return and breakdown: plans with a personal budget on the survey day.
with

figures as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        count(*) filter (pb_word = 'yes') as personal_budget,
        count(*) filter (pb_word = 'yes' and oa_word = 'yes') as org_arrangments,
        count(*) filter (pb_word = 'yes' and dp_word = 'health') as pb_health,
        count(*) filter (pb_word = 'yes' and dp_word = 'education') as pb_education,
        count(*) filter (pb_word = 'yes' and dp_word = 'social_care') as pb_social,
        count(*) filter (pb_word = 'yes' and dp_word = 'integrated') as pb_integrated,
    from ({{ in_breakdowns('personal_budgets', ref('plans_at_survey_day')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
)

{{ as_published('figures', 'academic_year', 'Academic year') }}
