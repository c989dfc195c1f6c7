{# The letter that a UPN should begin with; NULL when the rest of it has not the shape of a UPN. #}
{% macro upn_check_letter(upn) -%}
    {%- set letters = 'ABCDEFGHJKLMNPQRTUVWXYZ' -%}
    case
        when regexp_full_match({{ upn }}, '.[0-9]{11}[0-9{{ letters }}]')
            then substring(
                '{{ letters }}',
                1 + (
                    {% for place in range(2, 13) -%}
                        {{ place }} * (ascii(substring({{ upn }}, {{ place }}, 1)) - ascii('0')) +
                    {% endfor -%}
                    13 * coalesce(
                        try_cast(substring({{ upn }}, 13, 1) as integer),
                        strpos('{{ letters }}', substring({{ upn }}, 13, 1)) - 1
                    )
                ) % {{ letters | length }},
                1
            )
    end
{%- endmacro %}

{# Whether a ULN's last digit agrees with the rest; NULL when it has not the shape of a ULN. #}
{% macro is_uln_valid(uln) -%}
    case
        when regexp_full_match({{ uln }}, '[1-9][0-9]{9}')
            then (
                {% for place in range(1, 11) -%}
                    {{ 11 - place }} * (ascii(substring({{ uln }}, {{ place }}, 1)) - ascii('0'))
                    {{- ' + ' if not loop.last }}
                {% endfor -%}
            ) % 11 = 10
    end
{%- endmacro %}
