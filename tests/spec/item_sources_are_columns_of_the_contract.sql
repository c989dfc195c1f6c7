-- Every source in the extract is a column of the contract, and an item copies at most one of them.
with

sources as (
    select * from {{ ref('item_sources') }}
    where how in ('copied', 'derived', 'decides')
),

copies as (
    select
        collections.collection_year,
        sources.table_name,
        sources.column_name,
        count(*) filter (sources.how = 'copied') as copied,
        count(*) - count(distinct sources.source_table || '.' || sources.source_column) as repeated,
    from sources
    inner join {{ ref('collections') }} as collections
        on collections.collection_year between sources.year_from and sources.year_to
    group by all
)

select
    'no such column of the contract' as fault,
    sources.source_table as table_name,
    sources.source_column as column_name,
from sources
anti join {{ ref('extract_contract') }} as contract
    on sources.source_table = contract.table_name and sources.source_column = contract.column_name
union all
select
    'copied from several, or named twice' as fault,
    table_name,
    column_name,
from copies
where copied > 1 or repeated > 0
