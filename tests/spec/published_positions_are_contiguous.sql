-- The columns of a published table, and its breakdown rows, are numbered from one without a gap.
with

numbered as (
    select
        'published_columns ' || release as seed,
        dataset,
        position,
    from {{ ref('published_columns') }}
    union all
    select
        'published_breakdowns',
        dataset,
        position,
    from {{ ref('published_breakdowns') }}
)

select
    seed,
    dataset,
from numbered
group by all
having
    min(position) <> 1
    or max(position) <> count(*)
    or count(distinct position) <> count(*)
