-- The plans behind a figure of sen_needs_all_plans.csv, EHC plans in force on the survey day: one row per figure and plan.
-- A percentage is made of the count of the same need.
{% set needs = [
    'asd', 'hi', 'mld', 'msi', 'oth', 'pd', 'pmld', 'semh', 'slcn', 'sld', 'spld', 'vi',
] %}
with

-- The release counts Down Syndrome among other needs.
counted as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        unnest([
            'ehc_plans',
            'number_' || case
                when lower(need) = 'ds' then 'oth'
                when lower(need) in ('{{ needs | join("', '") }}') then lower(need)
                else 'need_unknown'
            end,
        ]) as figure,
    from ({{ in_breakdowns('sen_needs_all_plans', ref('plans_at_survey_day')) }})
    where request_id is not null
)

{{ rows_behind('counted', 'named_plan') }}
