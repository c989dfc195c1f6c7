-- One row: the collection being built, its dates, and the settings its extract was landed with.
with

collections as (
    select * from {{ ref('collections') }}
),

settings as (
    select * from {{ source('audit', 'extract_settings') }}
),

submissions as (
    select
        collection_year,
        max(try_cast(serial_no as integer)) as last_serial_no,
    from {{ source('audit', 'submissions') }}
    where is_final
    group by collection_year
)

select
    collections.collection_year,
    collections.survey_day,
    collections.period_start,
    case settings.period_end
        when 'calendar_year' then collections.calendar_year_end
        else collections.survey_day
    end as period_end,
    {{ as_at('settings', 'collections') }} as as_at,
    settings.extracted_on,
    settings.la_code,
    settings.software_code,
    settings.release,
    coalesce(greatest(submissions.last_serial_no + 1, settings.serial_no), settings.serial_no)
        as serial_no,
    settings.dmo,
    settings.dco,
    settings.dsco,
    settings.dmo_dco_role,
    settings.withdrawn_assessments,
from settings
cross join collections
left join submissions on collections.collection_year = submissions.collection_year
where collections.collection_year = {{ var('collection_year') }}
