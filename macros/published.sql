{# The breakdown rows of a dataset, for every return, each with the records that belong to it.

   The records, a CTE or a model, have return_id and one column by_… for each characteristic that
   the dataset is broken down by. A row with no record is there once, with nothing in them. #}
{% macro in_breakdowns(dataset, records) -%}
    select
        breakdowns.return_id,
        breakdowns.position,
        breakdowns.breakdown_topic,
        breakdowns.breakdown,
        breakdowns.is_known,
        breakdowns.are_schools_known,
        breakdowns.are_providers_known,
        members.* exclude (return_id, characteristic, belongs_to),
    from (
        select *
        from {{ ref('breakdown_rows') }}
        where dataset = '{{ dataset }}'
    ) as breakdowns
    left join (
        unpivot (
            select
                columns(lambda name: not starts_with(name, 'by_')),
                coalesce(columns('^by_')::varchar, 'unknown'),
                'all' as by_all,
            from {{ records }}
        )
        on columns('^by_')
        into name characteristic value belongs_to
    ) as members
        on breakdowns.return_id = members.return_id
            and breakdowns.characteristic = members.characteristic
            and coalesce(
                breakdowns.value = members.belongs_to,
                try_cast(members.belongs_to as integer) between breakdowns.low and breakdowns.high,
                false
            )
{%- endmacro %}

{# A percentage as DfE writes it: one decimal, none when it is 0; NULL of nothing. #}
{% macro share_of(part, whole) -%}
    format('{:g}', round(100 * {{ part }} / nullif({{ whole }}, 0), 1))
{%- endmacro %}

{# How many of a row's plans are in each setting and group of settings; NULL when the register of
   establishments would tell and the warehouse has none. #}
{% macro setting_counts() -%}
    {% for column in [
        'elective_home_education', 'other_arrangements_la', 'other_arrangements_parents',
        'other_placement_settings', 'neet', 'neet_ntci', 'neet_other', 'neet_other_csa',
        'nm_early_years', 'placement_unknown',
    ] -%}
        count(*) filter (setting = '{{ column }}') as {{ column }},
    {% endfor -%}
    {% for column in [
        'mainstream_la_maintained', 'mainstream_la_maintained_resourced_provision',
        'mainstream_la_maintained_senunit', 'mainstream_academy',
        'mainstream_academy_resourced_provision', 'mainstream_academy_senunit',
        'mainstream_free_school', 'mainstream_free_school_resourced_provision',
        'mainstream_free_school_senunit', 'mainstream_independent', 'special_la_maintained',
        'special_academy_free', 'special_independent', 'special_non_maintained', 'ap_pru_academy',
        'ap_pru_free_school', 'ap_pru_la_maintained', 'online_provider', 'w_settings',
        'other_schools',
    ] -%}
        case when are_schools_known then count(*) filter (setting = '{{ column }}') end
            as {{ column }},
    {% endfor -%}
    {% for kind in ['special_academy', 'special_free_school'] -%}
        case when are_schools_known then count(*) filter (setting_kind = '{{ kind }}') end
            as {{ kind }},
    {% endfor -%}
    {% for column in ['mainstream_total', 'special_total', 'ap_pru_total', 'ed_elsewhere'] -%}
        case when are_schools_known then count(*) filter (setting_group = '{{ column }}') end
            as {{ column }},
    {% endfor -%}
    {% for column in [
        'general_fe_tertiary_colleges', 'specialist_post_16_institutions', 'ukrlp_provider',
    ] -%}
        case when are_providers_known then count(*) filter (setting = '{{ column }}') end
            as {{ column }},
    {% endfor -%}
    case when are_providers_known then count(*) filter (setting_group = 'fe_total') end as fe_total
{%- endmacro %}

{# The figures of a dataset of every release: the authority and the period before them, every value
   text, x where there is none. Which of them a release has, in what order and by what name, is in
   published_columns. #}
{% macro as_published(figures, period, period_words) -%}
    select
        returns.return_id,
        returns.{{ period }} as time_period,
        '{{ period_words }}' as time_identifier,
        'Local authority' as geographic_level,
        'E92000001' as country_code,
        'England' as country_name,
        returns.region_code,
        returns.region_name,
        returns.new_la_code,
        returns.old_la_code,
        returns.la_name,
        measures.* exclude (return_id, position, is_known),
    from (
        select
            return_id,
            position,
            is_known,
            breakdown_topic,
            breakdown,
            coalesce(
                case
                    when is_known
                        then columns(
                            * exclude (return_id, position, is_known, breakdown_topic, breakdown)
                        )::varchar
                end,
                'x'
            ),
        from {{ figures }}
    ) as measures
    inner join {{ ref('published_returns') }} as returns on measures.return_id = returns.return_id
    order by returns.return_id, measures.position
{%- endmacro %}
