-- Who moves to another phase of education and has no final plan for it yet?
-- One row per case, the nearest due day first; a negative number of days is overdue.
select
    clocks.days_left,
    clocks.due_date,
    clocks.person_id,
    clocks.request_id,
    clocks.state,
from {{ ref('clocks') }} as clocks
inner join {{ ref('case_scope') }} as scope on clocks.request_id = scope.request_id
where
    clocks.clock = 'phase_transfer'
    and clocks.end_date is null
    and scope.category = 'active_plan'
order by clocks.days_left, clocks.person_id, clocks.request_id
