-- One row per record of the built return and landed row that it rests on. A view: it is asked for a
-- person at a time, and nothing is built of it.
{{ config(materialized='view') }}
{% set request_tables = ['requests', 'assessments'] %}
with

people as (
    {{ accepted('people') }}
),

-- Of a person whom several rows describe, each row with the columns that are taken from it.
described_people as (
    select
        person_id,
        _file,
        _row,
        list(column_name order by column_name) as held_columns,
    from {{ ref('person_values') }}
    where is_believed
    group by person_id, _file, _row
),

{% for table_name in request_tables %}
    {{ table_name }} as (
        {{ accepted(table_name) }}
    ),
{% endfor %}

case_plans as (
    select * from {{ ref('case_plans') }}
),

returned_plans as (
    select * from {{ ref('returned_plans') }}
),

-- What a request and its assessment rest on: all that hangs from the case.
case_rows as (
    {% for table_name in request_tables %}
        select request_id, '{{ table_name }}' as source_table, _file, _row,
        from {{ table_name }}
        union all
    {% endfor %}
    select request_id, 'disputes' as source_table, _file, _row,
    from {{ ref('case_disputes') }}
    union all
    select cases.request_id, 'people' as source_table, people._file, people._row,
    from {{ ref('cases') }} as cases
    inner join people on cases.person_id = people.person_id
    union all
    select request_id, 'plans' as source_table, _file, _row,
    from case_plans
),

-- Settings and needs have no key of their own: their file and row are those of record_sources.
parts as (
    select * from {{ ref('record_sources') }}
    where return_id = 'built' and module in ('plan_detail', 'sen_need')
)

select
    'person' as table_name,
    person_id as record_id,
    'people' as source_table,
    _file,
    _row,
    null::varchar[] as held_columns,
from people
anti join described_people on people.person_id = described_people.person_id
union all
select 'person', person_id, 'people', _file, _row, held_columns,
from described_people
{% for table_name, outcomes in [
    ('requests', 'request_outcomes'),
    ('assessment', 'assessment_outcomes'),
] %}
    union all
    select
        '{{ table_name }}',
        outcomes.request_id,
        case_rows.source_table,
        case_rows._file,
        case_rows._row,
        null,
    from {{ ref(outcomes) }} as outcomes
    inner join case_rows on outcomes.request_id = case_rows.request_id
{% endfor %}
{% for table_name in ('named_plan', 'active_plans') %}
    union all
    select
        '{{ table_name }}',
        returned_plans.request_id,
        'plans',
        case_plans._file,
        case_plans._row,
        null,
    from returned_plans
    inner join case_plans on returned_plans.plan_id = case_plans.plan_id
{% endfor %}
union all
select 'active_plans', request_id, 'reviews', _file, _row, held_columns,
from {{ ref('returned_review_rows') }}
union all
select 'active_plans', request_id, 'placements', _file, _row, null,
from {{ ref('returned_placements') }}
where is_primary
union all
select 'placement_detail', placement_id, 'placements', _file, _row, null,
from {{ ref('returned_placements') }}
union all
select
    module,
    record_id,
    case module when 'plan_detail' then 'plan_settings' else 'needs' end,
    source_file,
    source_row,
    null,
from parts
