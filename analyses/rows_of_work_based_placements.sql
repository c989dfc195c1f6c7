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
            case code
                when 'S' then 'open_supp_intern'
                when 'A' then 'open_apprentice'
                when 'T' then 'open_trainee'
            end,
        ]) as figure,
    from (
        select
            *,
            unnest(work_based_codes) as code,
        from ({{ in_breakdowns('work_based_placements', ref('plans_at_survey_day')) }})
    )
    where code in ('S', 'A', 'T')
)

{{ rows_behind('counted', 'active_plans') }}
