-- One row per column of a contract table and item that takes its value from it this year.
select distinct
    sources.source_table,
    sources.source_column,
    sources.table_name,
    sources.column_name,
    items.xml_tag,
from {{ ref('item_sources') }} as sources
inner join {{ ref('items') }} as items
    on sources.table_name = items.table_name
        and sources.column_name = items.column_name
        and {{ var('collection_year') }} between items.year_from and items.year_to
where
    {{ var('collection_year') }} between sources.year_from and sources.year_to
    and sources.how in ('copied', 'derived')
