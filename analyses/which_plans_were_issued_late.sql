-- Which plans issued in the calendar year took longer than the law allows, and by how many days?
-- One row per plan, the latest first; those with an exception are marked, since DfE's headline rate
-- leaves them out.
select
    timed.request_id,
    requests.person_id,
    requests.received_date,
    assessment.assessment_outcome_date as issued_date,
    timed.days,
    timed.days - timed.issue_days as days_late,
    timed.is_exception,
from {{ ref('plans_timed') }} as timed
inner join {{ ref('requests') }} as requests
    on timed.return_id = requests.return_id and timed.request_id = requests.request_id
inner join {{ ref('assessment') }} as assessment
    on timed.return_id = assessment.return_id and timed.request_id = assessment.request_id
where timed.return_id = 'built' and timed.days > timed.issue_days
order by days_late desc, timed.request_id asc
