-- Which plans that started before the calendar year have no review meeting on record?
-- One row per plan, the oldest first: DfE expects a review of each within the year.
select
    plans.request_id,
    requests.person_id,
    plans.start_date,
    plans.by_age as age,
    plans.setting_group,
from {{ ref('plans_at_survey_day') }} as plans
inner join {{ ref('requests') }} as requests
    on plans.return_id = requests.return_id and plans.request_id = requests.request_id
where
    plans.return_id = 'built'
    and plans.start_date < plans.year_start
    and plans.review_meeting is null
order by plans.start_date, plans.request_id
