{# A percentage as the 2022 release writes it: six figures, no end noughts; NULL of nothing. #}
{% macro six_figures_of(part, whole) -%}
    format('{:g}', 100 * {{ part }} / nullif({{ whole }}, 0))
{%- endmacro %}

{# A share of all plans as the 2022 release writes it: five decimals, then so many figures; 0 of
   nothing. #}
{% macro plan_share(part, whole, figures) -%}
    format(
        '{:.{{ figures }}g}',
        coalesce(round(100 * {{ part }} / nullif({{ whole }}, 0), 5), 0)
    )
{%- endmacro %}

{# The figures of a table of the 2022 release, with the authority and the period before them. #}
{% macro as_published_2022(figures, period) -%}
    select
        authorities.return_id,
        authorities.{{ period }} as time_period,
        'Calendar year' as time_identifier,
        'Local authority' as geographic_level,
        'E92000001' as country_code,
        'England' as country_name,
        authorities.region_code,
        authorities.region_name,
        authorities.old_la_code,
        authorities.new_la_code,
        authorities.la_name,
        figures.*,
    from {{ figures }} as figures
    cross join {{ ref('form_authority') }} as authorities
{%- endmacro %}

{# The figures of a table of placements: one row each, per group of them and for all. `measure` is
   the form's, `column` what the names of the columns begin with. #}
{% macro plans_by_placement(measure, column, period) -%}
    with

    placements as (
        select
            position,
            establishment_type,
            establishment_group,
            number,
            max(number) filter (establishment_group = 'Total') over () as total,
        from {{ ref('form_figures') }}
        where measure = '{{ measure }}' and establishment_group is not null
    ),

    -- A group is not known when one of its placements is not.
    all_rows as (
        select * from placements
        union all
        select
            min(position) as position,
            'Total' as establishment_type,
            establishment_group,
            case when count(number) = count(*) then sum(number) end as number,
            any_value(total) as total,
        from placements
        where establishment_group <> 'Total'
        group by establishment_group
    ),

    figures as (
        select
            establishment_type,
            establishment_group,
            'z' as {{ column }}_st,
            'z' as {{ column }}_st_pc,
            coalesce(number::varchar, 'x') as {{ column }}_ehc,
            case when number is null then 'x' else {{ plan_share('number', 'total', 6) }} end
                as {{ column }}_ehc_pc,
            coalesce(number::varchar, 'x') as {{ column }}_all,
            case when number is null then 'x' else {{ plan_share('number', 'total', 8) }} end
                as {{ column }}_all_pc,
        from all_rows
        order by establishment_group <> 'Total', establishment_type <> 'Total', position
    )

    {{ as_published_2022('figures', period) }}
{%- endmacro %}
