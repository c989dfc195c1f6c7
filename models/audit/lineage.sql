-- One row per cell of a return and cell of its source that it comes from, or that decides it.
-- A view: ask it for a person, a record or an item; all of it is millions of rows.
{{ config(materialized='view') }}
with

items as (
    select distinct
        collections.collection_year,
        items.table_name,
        items.column_name,
        items.xml_tag,
    from {{ ref('items') }} as items
    inner join {{ ref('collections') }} as collections
        on collections.collection_year between items.year_from and items.year_to
),

item_sources as (
    select
        items.table_name,
        items.column_name,
        items.xml_tag,
        sources.source_table,
        sources.source_column,
        sources.how,
        sources.explanation,
    from items
    inner join {{ ref('item_sources') }} as sources
        on items.table_name = sources.table_name
            and items.column_name = sources.column_name
            and items.collection_year between sources.year_from and sources.year_to
    where items.collection_year = {{ var('collection_year') }}
),

-- The records of every return, with what identifies them in their table.
records as (
    select return_id, 'sen2' as table_name, null as person_id, null as request_id,
        return_id as record_id,
    from {{ ref('sen2') }}
    union all
    select return_id, 'person', person_id, null, person_id,
    from {{ ref('person') }}
    {% for table_name in ('requests', 'assessment', 'named_plan', 'active_plans') %}
        union all
        select return_id, '{{ table_name }}', person_id, request_id, request_id,
        from {{ ref(table_name) }}
    {% endfor %}
    union all
    select return_id, 'placement_detail', person_id, request_id, placement_id,
    from {{ ref('placement_detail') }}
    union all
    select
        return_id,
        'plan_detail',
        person_id,
        request_id,
        {{ record_id_of('plan_detail') }},
    from {{ ref('plan_detail') }}
    union all
    select
        return_id,
        'sen_need',
        person_id,
        request_id,
        {{ record_id_of('sen_need') }},
    from {{ ref('sen_need') }}
),

corrections as (
    select * from {{ ref('stg_overrides') }}
    where status = 'applied'
),

-- Where no row of the source table belongs to the record, file and row are NULL.
built as (
    select
        records.*,
        item_sources.column_name,
        item_sources.xml_tag,
        item_sources.how,
        item_sources.source_table,
        coalesce(
            rows_of._file,
            case when item_sources.how in ('setting', 'survey') then item_sources.source_table end
        ) as file,
        rows_of._row as row,
        item_sources.source_column,
        case
            when rows_of._row is null and item_sources.how not in ('setting', 'survey')
                then 'No row of ' || item_sources.source_table || ' belongs to the record. '
            else ''
        end || item_sources.explanation as explanation,
    from records
    inner join item_sources on records.table_name = item_sources.table_name
    left join {{ ref('record_rows') }} as rows_of
        on records.table_name = rows_of.table_name
            and records.record_id = rows_of.record_id
            and item_sources.source_table = rows_of.source_table
            and (
                rows_of.held_columns is null
                or list_contains(rows_of.held_columns, item_sources.source_column)
            )
    where records.return_id = 'built'
),

-- An imported return is what its file says, item by item.
imported as (
    select
        records.*,
        items.column_name,
        items.xml_tag,
        'copied' as how,
        items.table_name as source_table,
        lines.source_file as file,
        lines.source_row as row,
        items.xml_tag as source_column,
        'The element of this name.' as explanation,
    from records
    inner join {{ source('imported', 'files') }} as files on records.return_id = files.return_id
    inner join items
        on records.table_name = items.table_name
            and files.collection_year = items.collection_year
    left join {{ ref('imported_records') }} as lines
        on records.return_id = lines.return_id
            and records.table_name = lines.module
            and records.record_id = lines.record_id
    where records.return_id <> 'built'
),

cells as (
    select * from built
    union all
    select * from imported
)

select
    cells.*,
    corrections.override_file as correction_file,
    corrections.override_row as correction_row,
    corrections.author as correction_author,
    corrections.reason as correction_reason,
from cells
left join corrections
    on cells.source_table = corrections.table_name
        and cells.source_column = corrections.column_name
        and cells.file = corrections._file
        and cells.row = corrections._row
