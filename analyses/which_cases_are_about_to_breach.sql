-- Which cases will miss a statutory limit next, unless something is done?
-- One row per clock still running that can still be met, soonest due first.
-- Work down it from the top: those already overdue are in intermediate.clocks, state 'overdue'.
-- A plan that has ceased needs no review or transfer any more, so its clocks are left out.
select
    clocks.days_left,
    clocks.due_date,
    clocks.clock,
    clocks.person_id,
    clocks.request_id,
    clocks.start_date,
    clocks.days as days_so_far,
    case_scope.category,
    case_scope.reason,
from {{ ref('clocks') }} as clocks
inner join {{ ref('case_scope') }} as case_scope on clocks.request_id = case_scope.request_id
where clocks.state = 'running' and case_scope.category <> 'recently_ceased'
order by clocks.days_left, clocks.person_id, clocks.request_id, clocks.clock
