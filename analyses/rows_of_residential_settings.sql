-- The plans behind a figure of residential_settings.csv: one row per figure and plan.
-- A plan with placements of both lengths stands twice behind the total, as it is counted.
with

counted as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        unnest(['res_tot', case code when 'A' then 'res_3851' when 'B' then 'res_52' end])
            as figure,
    from (
        select
            *,
            unnest(residential_codes) as code,
        from ({{ in_breakdowns('residential_settings', ref('plans_at_survey_day')) }})
    )
    where code in ('A', 'B')
)

{{ rows_behind('counted', 'active_plans') }}
