{# A landed text; one that is blank or only spaces is NULL. Nothing else is changed. #}
{% macro text(column) -%}
    case when trim({{ column }}) <> '' then {{ column }} end
{%- endmacro %}

{# A landed ISO date (ccyy-mm-dd) as DATE; NULL when blank or not such a date. #}
{% macro date_of(column) -%}
    case
        when regexp_full_match({{ column }}, '\d{4}-\d{2}-\d{2}')
            then try_cast({{ column }} as date)
    end
{%- endmacro %}

{# What a date column held when it is not blank and could not be read as a date. #}
{% macro unread_date(column) -%}
    case
        when trim({{ column }}) <> '' and {{ date_of(column) }} is null then {{ column }}
    end
{%- endmacro %}
