-- In a year that has a form every cell is there once, and its counts have been checked; else none.
with

expected as (
    select
        form_cells.cell,
        1 as cell_count,
    from {{ ref('form_cells') }} as form_cells
    inner join {{ ref('collections') }} as collections
        on collections.collection_year between form_cells.year_from and form_cells.year_to
    where
        collections.collection_year = {{ var('collection_year') }}
        and collections.has_aggregated
    union all
    select
        'checks' as cell,
        1 as cell_count,
    from {{ ref('collections') }}
    where collection_year = {{ var('collection_year') }} and has_aggregated
),

found as (
    select
        cell,
        count(*) as cell_count,
    from {{ ref('form') }}
    where collection_year = {{ var('collection_year') }}
    group by cell
    union all
    select
        'checks' as cell,
        count(*) as cell_count,
    from {{ ref('form_checks') }}
    having count(*) > 0
)

select
    coalesce(expected.cell, found.cell) as cell,
    expected.cell_count as expected_count,
    found.cell_count as found_count,
from expected
full join found on expected.cell = found.cell
where expected.cell_count is distinct from found.cell_count
