-- In the built return, an item that the collection year does not collect is blank.
{% set tables = [
    'sen2', 'person', 'requests', 'assessment', 'named_plan', 'plan_detail', 'active_plans',
    'placement_detail', 'sen_need',
] %}
with

filled as (
    {% for table in tables %}
    select
        '{{ table }}' as table_name,
        column_name,
    from (
        unpivot (
            select count(columns(*)),
            from {{ ref(table) }}
            where return_id = 'built'
        )
        on columns(*) into name column_name value rows_filled
    )
    where rows_filled > 0
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

known as (
    select
        table_name,
        column_name,
        bool_or({{ var('collection_year') }} between year_from and year_to) as is_collected,
    from {{ ref('items') }}
    group by all
)

select known.*
from filled
inner join known
    on filled.table_name = known.table_name and filled.column_name = known.column_name
where
    not known.is_collected
    and {{ var('collection_year') }} in (
        select collection_year from {{ ref('collections') }}
        where has_person_level
    )
