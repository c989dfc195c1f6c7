-- One row per return and breakdown: plans with an open work based placement on the survey day.
with

figures as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        count(*) filter (list_contains(work_based_words, 'supported_internship'))
            as open_supp_intern,
        count(*) filter (list_contains(work_based_words, 'apprenticeship')) as open_apprentice,
        count(*) filter (list_contains(work_based_words, 'traineeship')) as open_trainee,
        open_supp_intern + open_apprentice + open_trainee as open_wbp,
    from ({{ in_breakdowns('work_based_placements', ref('plans_at_survey_day')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
)

{{ as_published('figures', 'academic_year', 'Academic year') }}
