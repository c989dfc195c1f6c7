-- Each published table has all figures of the releases, and others only where the page shows them.
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
    'phase_transfers',
] %}
with

built as (
    {% for dataset in datasets %}
        {% set table = ref('published_requests' if dataset == 'requests' else dataset) %}
        select
            '{{ dataset }}' as dataset,
            column_name as figure,
        from duckdb_columns()
        where
            schema_name = '{{ table.schema }}'
            and table_name = '{{ table.identifier }}'
            and column_name <> 'return_id'
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

released as (
    select distinct
        dataset,
        figure,
    from {{ ref('published_columns') }}
)

select
    coalesce(built.dataset, released.dataset) as dataset,
    built.figure as built_figure,
    released.figure as released_figure,
from built
full join released
    on built.dataset = released.dataset and built.figure = released.figure
left join {{ ref('page_figures') }} as shown
    on built.dataset = shown.dataset and built.figure = shown.part
where built.figure is null or coalesce(released.figure, shown.part) is null
