-- Each published table has the columns of its DfE file, in order and spelling, after our return_id.
{% set datasets = [
    'caseload',
    'newplans',
    'requests',
    'assessments',
    'timeliness_20_week',
    'sen_needs_all_plans',
    'sen_need_newplans',
    'ceased_plans',
    'annual_reviews',
    'personal_budgets',
    'residential_settings',
    'work_based_placements',
    'sen2_dmo_dco',
] %}
with

-- A column that DfE has twice has a number in our table the second time.
built as (
    {% for dataset in datasets %}
        {% set table = ref('published_requests' if dataset == 'requests' else dataset) %}
        select
            '{{ dataset }}' as dataset,
            column_index - 1 as position,
            regexp_replace(column_name, '\.[0-9]+$', '') as column_name,
        from duckdb_columns()
        where
            schema_name = '{{ table.schema }}'
            and table_name = '{{ table.identifier }}'
            and column_name <> 'return_id'
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

released as (
    select
        dataset,
        position,
        column_name,
    from {{ ref('published_columns') }}
    where position is not null
)

select
    coalesce(built.dataset, released.dataset) as dataset,
    coalesce(built.position, released.position) as position,
    built.column_name as built_column,
    released.column_name as released_column,
from built
full join released
    on built.dataset = released.dataset and built.position = released.position
where built.column_name is distinct from released.column_name
