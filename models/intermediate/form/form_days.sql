-- One row in a year that has an aggregated form, none in others: the days and ages it goes by.
with

key_dates as (
    select value as age_reference_day from {{ ref('key_dates') }}
    where name = 'age_reference_day'
),

limits as (
    select
        max(value) filter (name = 'school_age_from')::integer as school_age_from,
        max(value) filter (name = 'school_age_to')::integer as school_age_to,
        max(value) filter (name = 'issue_days')::integer as issue_days,
    from {{ ref('thresholds') }}
    where {{ var('collection_year') }} between year_from and year_to
)

select
    collections.survey_day,
    collections.period_start as year_start,
    collections.calendar_year_end as year_end,
    (year(collections.period_start) || '-' || key_dates.age_reference_day)::date
        as age_reference_date,
    limits.school_age_from,
    limits.school_age_to,
    limits.issue_days,
from {{ ref('collections') }} as collections
cross join key_dates
cross join limits
where collections.collection_year = {{ var('collection_year') }} and collections.has_aggregated
