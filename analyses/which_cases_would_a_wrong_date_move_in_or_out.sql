-- Which cases would be in the return, or out of it, if one of their dates were a little different?
-- One row per near miss: look at their dates in the case system first.
select
    in_return,
    category,
    person_id,
    request_id,
    plan_id,
    reason,
from {{ ref('case_scope') }}
where near_miss
order by in_return, category, person_id, request_id
