-- A column of another form of a return is, in each of its years, an item of the table that it
-- fills.
select
    import_columns.layout,
    import_columns.part,
    import_columns.heading,
    collections.collection_year,
from {{ ref('import_columns') }} as import_columns
inner join {{ ref('collections') }} as collections
    on collections.collection_year between import_columns.year_from and import_columns.year_to
left join {{ ref('items') }} as items
    on import_columns.table_name = items.table_name
        and import_columns.column_name = items.column_name
        and collections.collection_year between items.year_from and items.year_to
where import_columns.column_name is not null and items.column_name is null
