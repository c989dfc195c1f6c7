{# The modules with a checks model, in the order of the return. #}
{% macro check_modules() -%}
    {{ return([
        'extract', 'file', 'header', 'person', 'requests', 'assessment', 'named_plan',
        'plan_detail', 'active_plans', 'placement_detail', 'sen_need', 'return', 'form', 'figures',
        'compared',
    ]) }}
{%- endmacro %}

{# Whether a code is in its code set in the return's year; NULL when it is blank. #}
{% macro is_listed(column, codeset) -%}
    case
        when {{ column }} is not null then {{ column }} in (
            select listed.listed_code
            from {{ ref('codes_in_force') }} as listed
            where listed.codeset = '{{ codeset }}' and listed.listed_year = collection_year
        )
    end
{%- endmacro %}

{# The rows of a checks model with every rule column true or false: what cannot be told is false. #}
{% macro settled(rows) -%}
    select
        columns(lambda name: not starts_with(name, 'rule_')),
        coalesce(columns('^rule_'), false),
    from {{ rows }}
{%- endmacro %}

{# The place of a plan detail or a need among its request's, the same for the same values. #}
{% macro place_in_request(columns) -%}
    row_number() over (
        partition by return_id, request_id
        order by {{ columns | join(' nulls last, ') }} nulls last
    )
{%- endmacro %}

{# Whether what began on one day
    and ended on another was going on; an unknown day leaves it open. #}
{% macro is_open_on(begun, ended, day) -%}
    coalesce({{ begun }} <= {{ day }}, true) and coalesce({{ ended }} > {{ day }}, true)
{%- endmacro %}

{# The rows with `<column>_word`, the seed's word for each coded column's code in the return's year;
   NULL for a code that no rule compares. #}
{% macro with_words(rows, columns) -%}
    select
        {{ rows }}.*,
        {% for column in columns %}
            {{ column }}_words.word as {{ column }}_word,
        {% endfor %}
    from {{ rows }}
    {% for column, codeset in columns.items() %}
        left join {{ ref('code_words') }} as {{ column }}_words
            on {{ column }}_words.codeset = '{{ codeset }}'
                and {{ rows }}.{{ column }} = {{ column }}_words.code
                and {{ rows }}.collection_year
                between {{ column }}_words.year_from and {{ column }}_words.year_to
    {% endfor %}
{%- endmacro %}

{# Whether the word of a contract column is none that the CTE allowed_words has for it; a dispute
   has to have one. #}
{% macro is_unknown_word(table_name, column) -%}
    not list_contains(
        (
            select w.words from allowed_words as w
            where w.table_name = '{{ table_name }}' and w.column_name = '{{ column }}'
        ),
        coalesce({{ column }}, {{ "''" if table_name == 'disputes' else 'null' }})
    )
{%- endmacro %}

{# The id of a setting or a need, which have none of their own: the request's, and the place among
   those of the request. #}
{% macro record_id_of(module) -%}
    {% set columns = {
        'plan_detail': [
            'urn', 'ukprn', 'sen_setting', 'sen_setting_other', 'placement_rank',
            'sen_unit_indicator', 'resourced_provision_indicator',
        ],
        'sen_need': ['sen_type', 'sen_type_rank'],
    } -%}
    request_id || '/' || {{ place_in_request(columns[module]) }}
{%- endmacro %}
