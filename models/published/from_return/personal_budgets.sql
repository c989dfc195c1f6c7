-- One row per return and breakdown: plans with a personal budget on the survey day.
with

figures as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        count(*) filter (pb = '1') as personal_budget,
        count(*) filter (pb = '1' and oa = '1') as org_arrangments,
        count(*) filter (pb = '1' and dp = 'H') as pb_health,
        count(*) filter (pb = '1' and dp = 'E') as pb_education,
        count(*) filter (pb = '1' and dp = 'S') as pb_social,
        count(*) filter (pb = '1' and dp = 'I') as pb_integrated,
    from ({{ in_breakdowns('personal_budgets', ref('plans_at_survey_day')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
)

{{ as_published('figures', 'academic_year', 'Academic year') }}
