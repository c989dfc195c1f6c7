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
