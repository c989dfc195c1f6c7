-- What became of every row of the extract: how many were returned, out of scope, rejected?
-- One row per table and disposition; the rows themselves are in audit.row_dispositions.
select
    table_name,
    disposition,
    count(*) as row_count,
    min(row) as first_row,
from {{ ref('row_dispositions') }}
group by table_name, disposition
order by table_name, disposition
