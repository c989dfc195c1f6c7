-- The plans behind a figure of work_based_placements.csv: one row per figure and plan.
-- A plan with placements of two kinds stands twice behind the total, as it is counted.
with

counted as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        unnest([
            'open_wbp',
            case word
                when 'supported_internship' then 'open_supp_intern'
                when 'apprenticeship' then 'open_apprentice'
                when 'traineeship' then 'open_trainee'
            end,
        ]) as figure,
    from (
        select
            *,
            unnest(work_based_words) as word,
        from ({{ in_breakdowns('work_based_placements', ref('plans_at_survey_day')) }})
    )
    where word in ('supported_internship', 'apprenticeship', 'traineeship')
)

{{ rows_behind('counted', 'active_plans') }}
