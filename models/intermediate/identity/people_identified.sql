-- One row per person of the extract, without the rejected rows; where several sources describe one,
-- each value is that of the source believed, and file and row are those of the first.
{% set columns = contract_tables()['people'].columns %}
with

people as (
    {{ not_rejected('people', identified('people')) }}
),

merged as (
    select
        person_id,
        any_value(_file) filter (is_first_source) as _file,
        any_value(_row) filter (is_first_source) as _row,
        {% for column in columns %}
            max(value) filter (is_believed and column_name = '{{ column }}')
                {{- '::date' if column == 'birth_date' }} as {{ column }},
        {% endfor %}
    from {{ ref('person_values') }}
    group by person_id
)

select
    people.* replace (
        {% for column in columns %}
            case when merged.person_id is null then people.{{ column }} else merged.{{ column }} end
                as {{ column }},
        {% endfor %}
        case when merged.birth_date is null then people.birth_date_raw end as birth_date_raw,
    ),
from people
left join merged on people.person_id = merged.person_id
where
    merged.person_id is null
    or people._file = merged._file and people._row = merged._row
