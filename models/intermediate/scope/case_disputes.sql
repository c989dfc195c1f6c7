-- One row per accepted dispute: the case it hangs from, by its request or by its plan.
with

disputes as (
    {{ accepted('disputes') }}
)

select
    coalesce(disputes.request_id, plans.request_id) as request_id,
    disputes.kind,
    disputes.about,
    disputes.dispute_date,
    disputes._file,
    disputes._row,
from disputes
left join {{ ref('case_plans') }} as plans
    on disputes.plan_id = plans.plan_id and disputes.request_id is null
