-- The survey day is in its year, the period starts before it, and the years follow one another.
select collection_year,
from {{ ref('collections') }}
qualify
    year(survey_day) <> collection_year
    or not period_start < calendar_year_end
    or not calendar_year_end < survey_day
    or not coalesce(submission_deadline > survey_day, true)
    or collection_year - lag(collection_year) over (order by collection_year) <> 1
