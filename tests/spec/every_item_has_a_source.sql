-- Every item has a source in every year that collects it, and every source is of such an item.
with

items as (
    select distinct
        collections.collection_year,
        items.table_name,
        items.column_name,
    from {{ ref('items') }} as items
    inner join {{ ref('collections') }} as collections
        on collections.collection_year between items.year_from and items.year_to
),

sourced as (
    select distinct
        collections.collection_year,
        sources.table_name,
        sources.column_name,
    from {{ ref('item_sources') }} as sources
    inner join {{ ref('collections') }} as collections
        on collections.collection_year between sources.year_from and sources.year_to
    where collections.has_person_level
)

select
    'no source' as fault,
    items.*,
from items
anti join sourced using (collection_year, table_name, column_name)
union all
select
    'no such item' as fault,
    sourced.*,
from sourced
anti join items using (collection_year, table_name, column_name)
