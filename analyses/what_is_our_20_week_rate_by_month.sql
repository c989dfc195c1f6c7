-- What is our 20-week rate month by month, as DfE would count it: exceptions left out, and counted?
-- One row per month in which plans were issued. The year's rate is published.timeliness_20_week.
select
    date_trunc('month', assessment.assessment_outcome_date)::date as month_issued,
    count(*) filter (not timed.is_exception) as plan_count,
    count(*) filter (not timed.is_exception and timed.days <= timed.issue_days) as in_time_count,
    round(100 * in_time_count / nullif(plan_count, 0), 1) as rate,
    count(*) as plan_count_with_exceptions,
    round(100 * avg((timed.days <= timed.issue_days)::integer), 1) as rate_with_exceptions,
from {{ ref('plans_timed') }} as timed
inner join {{ ref('assessment') }} as assessment
    on timed.return_id = assessment.return_id and timed.request_id = assessment.request_id
where timed.return_id = 'built'
group by month_issued
order by month_issued
