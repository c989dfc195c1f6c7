-- Every code set and every parent table that the contract names exists.
with

named as (
    select
        table_name,
        column_name,
        'code set' as kind,
        codeset as target,
    from {{ ref('extract_contract') }}
    where codeset is not null
    union all
    select
        table_name,
        column_name,
        'parent table' as kind,
        unnest(list_filter(string_split(key, ' '), lambda word: word <> 'pk')) as target,
    from {{ ref('extract_contract') }}
    where key is not null
),

targets as (
    select
        'code set' as kind,
        codeset as target,
    from {{ ref('codes') }}
    union all
    select
        'parent table' as kind,
        table_name as target,
    from {{ ref('extract_contract') }}
)

select
    named.table_name,
    named.column_name,
    named.target,
from named
anti join targets on named.kind = targets.kind and named.target = targets.target
