-- Every item has a column in each form of a return that has its table, in every year of that form.
with

forms as (
    select distinct
        collections.collection_year,
        import_columns.layout,
        import_columns.table_name,
    from {{ ref('import_columns') }} as import_columns
    inner join {{ ref('collections') }} as collections
        on collections.collection_year between import_columns.year_from and import_columns.year_to
)

select
    forms.collection_year,
    forms.layout,
    items.table_name,
    items.column_name,
from forms
inner join {{ ref('items') }} as items
    on forms.table_name = items.table_name
        and forms.collection_year between items.year_from and items.year_to
anti join {{ ref('import_columns') }} as import_columns
    on forms.layout = import_columns.layout
        and items.table_name = import_columns.table_name
        and items.column_name = import_columns.column_name
        and forms.collection_year between import_columns.year_from and import_columns.year_to
