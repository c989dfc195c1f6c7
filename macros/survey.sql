{# Whether an item is collected in the collection year. #}
{% macro is_collected(table_name, column_name) -%}
    (
        select count(*) > 0
        from {{ ref('items') }} as item
        where
            item.table_name = '{{ table_name }}'
            and item.column_name = '{{ column_name }}'
            and {{ var('collection_year') }} between item.year_from and item.year_to
    )
{%- endmacro %}

{# An item that is collected in the collection year; NULL in a year that does not collect it. #}
{% macro if_collected(table_name, column_name, expression) -%}
    case when {{ is_collected(table_name, column_name) }} then {{ expression }} end
{%- endmacro %}

{# Whole years of age on a day. Who was born on 29 February has the birthday on 1 March in other
   years, as the law of England counts. #}
{% macro age_on(birth_date, day) -%}
    (
        year({{ day }}) - year({{ birth_date }})
        - (
            100 * month({{ day }}) + day({{ day }})
            < 100 * month({{ birth_date }}) + day({{ birth_date }})
        )::integer
    )
{%- endmacro %}

{# The accepted rows of a contract table: what was landed, without the rejected rows, each person as
   one. #}
{% macro accepted(table_name) -%}
    {% if table_name == 'people' %}
        {{ return('select * from ' ~ ref('people_identified')) }}
    {% endif %}
    {% set landed = identified(table_name) if table_name in ('requests', 'plans')
        else ref('stg_' ~ table_name) %}
    {{ not_rejected(table_name, landed) }}
{%- endmacro %}

{# The rows of a relation of a landed table but those that are rejected. #}
{% macro not_rejected(table_name, landed) -%}
    select landed.*
    from {{ landed }} as landed
    anti join (
        select
            _file,
            _row,
        from {{ ref('rejected_rows') }}
        where table_name = '{{ table_name }}'
    ) as rejected using (_file, _row)
{%- endmacro %}

{# The day to which an extract is taken: its own, but never after the survey day. #}
{% macro as_at(settings, collections) -%}
    least({{ settings }}.extracted_on, {{ collections }}.survey_day)
{%- endmacro %}
