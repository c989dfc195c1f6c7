-- Every figure of the page is a column of a published table that is built.
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
)

select columns_named.*
from columns_named
anti join {{ ref('published_columns') }} as built
    on
        columns_named.dataset = built.dataset
        and columns_named.column_name = built.column_name
        and built.position is not null
