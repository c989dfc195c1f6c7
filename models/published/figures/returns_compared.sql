-- One row per return that has published tables: its authority and year, and the return of the year
-- before.
with

returns as (
    select
        return_id,
        old_la_code as la_code,
        collection_year,
    from {{ ref('published_returns') }}
    union all
    select
        return_id,
        old_la_code,
        survey_year::integer,
    from {{ ref('form_authority') }}
)

-- Of several returns of the year before, the last by name.
select
    returns.return_id,
    returns.la_code,
    returns.collection_year,
    releases.release,
    max(earlier.return_id) as return_before,
from returns
left join returns as earlier
    on returns.la_code = earlier.la_code
        and returns.collection_year = earlier.collection_year + 1
-- The newest release that covers the year.
inner join {{ ref('published_releases') }} as releases
    on returns.collection_year between releases.year_from and releases.year_to
group by returns.return_id, returns.la_code, returns.collection_year, releases.release
