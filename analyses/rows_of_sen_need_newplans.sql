-- The plans behind a figure of sen_need_newplans.csv, EHC plans new in the calendar year: one row per figure and plan.
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
    from ({{ in_breakdowns('sen_need_newplans', ref('plans_started')) }})
    where request_id is not null
)

{{ rows_behind('counted', 'named_plan') }}
