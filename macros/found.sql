{# The other records that a record has something in common with: the first three of them. #}
{% macro ids_beside(ids, own_id) -%}
    'other record: '
    || nullif(
        array_to_string(
            list_sort(list_filter({{ ids }}, lambda each: each <> {{ own_id }}))[:3], ', '
        ),
        ''
    )
{%- endmacro %}

{# A value as people are shown it: a space at its beginning
    or end, which nobody would see, is said. #}
{% macro shown(value) -%}
    case
        when regexp_matches({{ value }}, '^[\s\x{00A0}]|[\s\x{00A0}]$') then
            '"' || {{ value }} || '" ('
            || concat_ws(
                ' and ',
                if(regexp_matches({{ value }}, '^[\s\x{00A0}]'), 'begins', null),
                if(regexp_matches({{ value }}, '[\s\x{00A0}]$'), 'ends', null)
            )
            || ' with a space)'
        else {{ value }}
    end
{%- endmacro %}
