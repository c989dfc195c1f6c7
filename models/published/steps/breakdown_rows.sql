-- One row per return, dataset and breakdown row, with what selects its records.
with

unknown_settings as (
    select
        return_id,
        coalesce(bool_or(unknown_by = 'urn'), false) as has_unknown_schools,
        coalesce(bool_or(unknown_by = 'ukprn'), false) as has_unknown_providers,
    from {{ ref('placements_counted') }}
    group by return_id
),

-- A college may be given by its URN or its UKPRN, a school by its URN.
returns as (
    select
        returns.return_id,
        not coalesce(unknown_settings.has_unknown_schools, false) as are_schools_known,
        not coalesce(
            unknown_settings.has_unknown_schools or unknown_settings.has_unknown_providers, false
        ) as are_providers_known,
    from {{ ref('published_returns') }} as returns
    left join unknown_settings on returns.return_id = unknown_settings.return_id
)

select
    returns.return_id,
    breakdowns.dataset,
    breakdowns.position,
    breakdowns.breakdown_topic,
    breakdowns.breakdown,
    'by_' || breakdowns.characteristic as characteristic,
    breakdowns.value,
    -- An end that is open takes any number; a row that names a value takes none.
    case when breakdowns.value is null then coalesce(breakdowns.low, -1e9::integer) end as low,
    case when breakdowns.value is null then coalesce(breakdowns.high, 1e9::integer) end as high,
    returns.are_schools_known,
    returns.are_providers_known,
    case breakdowns.resolved_by
        when 'urn' then returns.are_schools_known
        when 'ukprn' then returns.are_providers_known
        else true
    end as is_known,
from returns
cross join {{ ref('published_breakdowns') }} as breakdowns
