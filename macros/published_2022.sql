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
