{# A name for comparing: letters alone, without accents and case; NULL when it has none. #}
{% macro bare_name(column) -%}
    nullif(regexp_replace(lower(strip_accents({{ column }})), '[^a-z]', '', 'g'), '')
{%- endmacro %}

{# A number or postcode for comparing: capitals and digits alone; NULL when it has none. #}
{% macro bare_code(column) -%}
    nullif(regexp_replace(upper({{ column }}), '[^A-Z0-9]', '', 'g'), '')
{%- endmacro %}

{# How two values of a pair compare: blank, same, like where `alike` holds, else differs. #}
{% macro compared(column, alike='false') -%}
    case
        when one.{{ column }} is null or other.{{ column }} is null then 'blank'
        when one.{{ column }} = other.{{ column }} then 'same'
        when {{ alike }} then 'like'
        else 'differs'
    end
{%- endmacro %}

{# Whether two codes of a pair differ by a slip. #}
{% macro slipped(column) -%}
    damerau_levenshtein(one.{{ column }}, other.{{ column }}) <= limits.slips
{%- endmacro %}

{# Whether two names of a pair are alike: by a slip, by ear, or one the beginning
    or end of the other,
   as a short form and half of a joined name are. #}
{% macro names_alike(column) -%}
    (
        jaro_winkler_similarity(one.{{ column }}, other.{{ column }}) >= limits.likeness_of_names
        or least(length(one.{{ column }}), length(other.{{ column }})) >= limits.short_name
        and (
            starts_with(one.{{ column }}, other.{{ column }})
            or starts_with(other.{{ column }}, one.{{ column }})
            or ends_with(one.{{ column }}, other.{{ column }})
            or ends_with(other.{{ column }}, one.{{ column }})
        )
    )
{%- endmacro %}

{# Whether two dates of a pair differ by a slip, or by day and month swapped. #}
{% macro dates_alike(column) -%}
    (
        damerau_levenshtein(one.{{ column }}::varchar, other.{{ column }}::varchar) <= limits.slips
        or strftime(one.{{ column }}, '%Y%m%d') = strftime(other.{{ column }}, '%Y%d%m')
    )
{%- endmacro %}

{# The landed rows of people, requests or plans, with the id of the person under which each counts.
   This is the one place where people of several sources become one; all to the right reads it. #}
{% macro identified(table_name) -%}
    (
        select
            landed.* replace (
                coalesce(merged.into_person_id, landed.person_id) as person_id
            ),
        from {{ ref('stg_' ~ table_name) }} as landed
        left join {{ ref('merged_people') }} as merged on landed.person_id = merged.person_id
    )
{%- endmacro %}
