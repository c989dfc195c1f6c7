{# The primary needs that are counted by name. #}
{% macro counted_needs() -%}
    {{ return([
        'asd', 'ds', 'hi', 'mld', 'msi', 'oth', 'pd', 'pmld', 'semh', 'slcn', 'sld', 'spld', 'vi',
    ]) }}
{%- endmacro %}

{# The need that a plan counts under. #}
{% macro need_counted(need) -%}
    case
        when lower({{ need }}) in ('{{ counted_needs() | join("', '") }}') then lower({{ need }})
        else 'need_unknown'
    end
{%- endmacro %}

{# The figures of a table of plans by primary need: one row per return and breakdown. #}
{% macro plans_by_need(dataset, records, period, period_words) -%}
    with

    plans as (
        select
            return_id,
            request_id,
            {{ need_counted('need') }} as need,
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
            {% for need in counted_needs() + ['need_unknown'] %}
                count(request_id) filter (need = '{{ need }}') as number_{{ need }},
            {% endfor %}
            -- The release of 2025 has Down syndrome among other needs.
            number_oth + number_ds as number_oth_with_ds,
        from ({{ in_breakdowns(dataset, 'plans') }})
        group by return_id, position, breakdown_topic, breakdown, is_known
    ),

    figures as (
        select
            *,
            {% for need in counted_needs() + ['oth_with_ds'] %}
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
            {{ setting_counts() }},
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
