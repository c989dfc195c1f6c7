-- Which cases of the extract are not in the return, and for what reason?
-- One row per case left out, with the reason in words and its dates.
select
    category,
    person_id,
    request_id,
    plan_id,
    reason,
    near_miss,
from {{ ref('case_scope') }}
where not in_return
order by category, person_id, request_id
