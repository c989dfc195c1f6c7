-- Which plans in force have had no review decision since a meeting, past the limit?
-- One row per plan, the longest overdue first.
select
    -clocks.days_left as days_overdue,
    clocks.person_id,
    clocks.request_id,
    clocks.start_date as meeting_date,
    clocks.due_date,
from {{ ref('clocks') }} as clocks
inner join {{ ref('case_scope') }} as scope on clocks.request_id = scope.request_id
where
    clocks.clock = 'review_4_weeks'
    and clocks.state = 'overdue'
    and scope.category = 'active_plan'
order by days_overdue desc, clocks.person_id asc, clocks.request_id asc
