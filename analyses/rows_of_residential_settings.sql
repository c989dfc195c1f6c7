-- The plans behind a figure of residential_settings.csv: one row per figure and plan.
-- A plan with placements of both lengths stands twice behind the total, as it is counted.
with

counted as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        unnest([
            'res_tot',
            case word when 'weeks_38_to_51' then 'res_3851' when 'weeks_52' then 'res_52' end,
        ]) as figure,
    from (
        select
            *,
            unnest(residential_words) as word,
        from ({{ in_breakdowns('residential_settings', ref('plans_at_survey_day')) }})
    )
    where word in ('weeks_38_to_51', 'weeks_52')
)

{{ rows_behind('counted', 'active_plans') }}
