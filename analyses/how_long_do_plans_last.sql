-- How many years had plans run when they ceased, by the reason?
-- One row per reason for the plans that ceased in the calendar year.
select
    coalesce(codes.label, plans.cease_reason, 'no reason recorded') as reason,
    count(*) as plan_count,
    round(median(date_diff('day', plans.start_date, plans.cease_date)) / 365.25, 1) as median_years,
    round(min(date_diff('day', plans.start_date, plans.cease_date)) / 365.25, 1) as least_years,
    round(max(date_diff('day', plans.start_date, plans.cease_date)) / 365.25, 1) as most_years,
from {{ ref('plans_ceased') }} as plans
left join {{ ref('codes') }} as codes
    on codes.codeset = 'CeaseReason'
        and plans.cease_reason = codes.code
        and year(plans.survey_day) between codes.year_from and codes.year_to
where plans.return_id = 'built'
group by reason
order by plan_count desc, reason asc
