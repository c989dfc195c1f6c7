-- One row in a year that has an aggregated form, none in others: the days and ages it goes by.
select
    collections.survey_day,
    collections.period_start as year_start,
    collections.calendar_year_end as year_end,
    limits.age_reference_date,
    limits.school_age_from,
    limits.school_age_to,
    limits.issue_days,
from {{ ref('collections') }} as collections
inner join {{ ref('year_limits') }} as limits
    on collections.collection_year = limits.collection_year
where collections.collection_year = {{ var('collection_year') }} and collections.has_aggregated
