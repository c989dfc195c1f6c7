{# The figures of a table of plans by primary need: one row per return and breakdown. #}
{% macro plans_by_need(dataset, records, period, period_words) -%}
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
        from {{ records }}
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
        from ({{ in_breakdowns(dataset, 'plans') }})
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

    {{ as_published('figures', period, period_words) }}
{%- endmacro %}

{# The figures of a table of plans by setting; `all_plans` is the column of their number. #}
{% macro plans_by_setting(dataset, all_plans, records, period, period_words) -%}
    {% set groups = [
        'mainstream_total', 'special_total', 'AP_PRU_total', 'fe_total', 'ed_elsewhere',
        'nm_early_years', 'placement_unknown',
    ] %}
    with

    counted as (
        select
            return_id,
            position,
            breakdown_topic,
            breakdown,
            is_known,
            count(request_id) as {{ all_plans }},
            {{ setting_counts() }}
        from ({{ in_breakdowns(dataset, records) }})
        group by
            return_id, position, breakdown_topic, breakdown, is_known, are_schools_known,
            are_providers_known
    ),

    figures as (
        select
            *,
            {% for group in groups %}
                {{ share_of(group, all_plans) }} as {{ group }}_pc,
            {% endfor %}
            -- Only the aggregated form had these two.
            null as await_prov_2022,
            null as perm_ex_2022,
        from counted
    )

    {{ as_published('figures', period, period_words) }}
{%- endmacro %}
