-- The plans behind a figure of ceased_plans.csv: one row per figure and plan.
with

counted as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        unnest([
            'total_ceased',
            case
                when cease_reason is null then 'not_rec'
                when cease_reason = '1' then 'max_age'
                when cease_reason = '2' then 'needs_met'
                when cease_reason = '3' then 'he'
                when cease_reason = '4' then 'employ'
                when cease_reason = '5' then 'transfer'
                when cease_reason = '6' then 'no_engage'
                when cease_reason = '7' then 'moved_outside_eng'
                when cease_reason = '8' then 'deceased'
                else 'other'
            end,
        ]) as figure,
    from ({{ in_breakdowns('ceased_plans', ref('plans_ceased')) }})
    where request_id is not null
)

{{ rows_behind('counted', 'named_plan') }}
