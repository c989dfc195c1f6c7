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
                when cease_reason_word = 'maximum_age' then 'max_age'
                when cease_reason_word = 'needs_met' then 'needs_met'
                when cease_reason_word = 'higher_education' then 'he'
                when cease_reason_word = 'employment' then 'employ'
                when cease_reason_word = 'transferred' then 'transfer'
                when cease_reason_word = 'left_education' then 'no_engage'
                when cease_reason_word = 'moved_abroad' then 'moved_outside_eng'
                when cease_reason_word = 'death' then 'deceased'
                else 'other'
            end,
        ]) as figure,
    from ({{ in_breakdowns('ceased_plans', ref('plans_ceased')) }})
    where request_id is not null
)

{{ rows_behind('counted', 'named_plan') }}
