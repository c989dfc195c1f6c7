-- One row per return and breakdown: EHC plans new in the calendar year, by primary need.
{% set needs = [
    'asd', 'hi', 'mld', 'msi', 'oth', 'pd', 'pmld', 'semh', 'slcn', 'sld', 'spld', 'vi',
] %}
with

-- The release counts Down Syndrome among other needs.
plans as (
    select
        return_id,
        request_id,
        case lower(need) when 'ds' then 'oth' else lower(need) end as need,
        columns('^by_'),
    from {{ ref('plans_started') }}
),

counted as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        count(request_id) as ehc_plans,
        {% for need in needs %}
            count(*) filter (need = '{{ need }}') as number_{{ need }},
        {% endfor %}
        count(request_id) - count(*) filter (need in ('{{ needs | join("', '") }}'))
            as number_need_unknown,
    from ({{ in_breakdowns('sen_need_newplans', 'plans') }})
    group by return_id, position, breakdown_topic, breakdown, is_known
),

figures as (
    select
        *,
        {% for need in needs %}
            {{ share_of('number_' ~ need, 'ehc_plans') }} as {{ need }}_pc,
        {% endfor %}
        {{ share_of('number_need_unknown', 'ehc_plans') }} as unknown_pc,
    from counted
)

{{ as_published('figures', 'calendar_year', 'Calendar year') }}
