-- One row per return: its collection, the days that count, and the limits its rules use.
with

-- An imported return is judged by the year it was imported for, any other by its header's; where
-- that is no collection, by the year being built.
headers as (
    select
        sen2.return_id,
        sen2.lea,
        coalesce(
            files.collection_year, collections.collection_year, {{ var('collection_year') }}
        ) as collection_year,
    from {{ ref('sen2') }} as sen2
    left join {{ source('imported', 'files') }} as files
        on sen2.return_id = files.return_id
    left join {{ ref('collections') }} as collections
        on try_cast(sen2.year as integer) = collections.collection_year
)

select
    headers.return_id,
    headers.collection_year,
    headers.lea as return_la,
    collections.survey_day,
    collections.period_start,
    case settings.period_end
        when 'calendar_year' then collections.calendar_year_end
        else collections.survey_day
    end as period_end,
    collections.calendar_year_end,
    limits.* exclude (collection_year),
from headers
inner join {{ ref('collections') }} as collections
    on headers.collection_year = collections.collection_year
inner join {{ ref('year_limits') }} as limits
    on headers.collection_year = limits.collection_year
left join {{ source('audit', 'extract_settings') }} as settings on headers.return_id = 'built'
