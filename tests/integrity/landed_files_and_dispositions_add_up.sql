-- The rows counted on landing equal the rows that have a disposition, file by file. What the
-- authority keeps itself (notes, corrections, …) is no part of the extract.
with

disposed as (
    select
        table_name,
        file,
        count(*) as row_count,
    from {{ ref('row_dispositions') }}
    group by table_name, file
)

select
    files.table_name,
    files.file,
    files.row_count,
    disposed.row_count as disposed_count,
from {{ source('audit', 'landed_files') }} as files
semi join {{ ref('extract_contract') }} as contract on files.table_name = contract.table_name
left join disposed using (table_name, file)
where files.row_count <> coalesce(disposed.row_count, 0)
