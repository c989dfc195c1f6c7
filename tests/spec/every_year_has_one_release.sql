-- Every collection year has one release of DfE's tables, with columns for the kind of its return.
with

releases as (
    select
        collections.collection_year,
        collections.has_aggregated,
        releases.release,
    from {{ ref('collections') }} as collections
    left join {{ ref('published_releases') }} as releases
        on collections.collection_year between releases.year_from and releases.year_to
),

columns_known as (
    select distinct release, false as has_aggregated from {{ ref('published_columns') }}
    union all
    select distinct release, true from {{ ref('published_columns_2022') }}
)

select releases.collection_year,
from releases
left join columns_known
    on releases.release = columns_known.release
        and releases.has_aggregated = columns_known.has_aggregated
group by releases.collection_year
having count(*) <> 1 or count(columns_known.release) <> 1
