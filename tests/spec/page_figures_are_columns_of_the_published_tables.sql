-- Every figure of the page is a column of a published table.
with

named as (
    select
        chart,
        position,
        dataset,
        part || coalesce(';' || whole, '') as column_names,
    from {{ ref('page_figures') }}
),

columns_named as (
    select
        chart,
        position,
        dataset,
        unnest(string_split(column_names, ';')) as column_name,
    from named
),

built as (
    select
        table_name as dataset,
        column_name,
    from duckdb_columns()
    where schema_name = '{{ ref("caseload").schema }}'
)

select columns_named.*
from columns_named
anti join built
    on columns_named.dataset = built.dataset and columns_named.column_name = built.column_name
