-- Every plan active or lately ceased has a named plan and an ActivePlans record in the return.
select scope.request_id,
from {{ ref('case_scope') }} as scope
left join {{ ref('named_plan') }} as named_plan
    on named_plan.return_id = 'built' and scope.request_id = named_plan.request_id
left join {{ ref('active_plans') }} as active_plans
    on active_plans.return_id = 'built' and scope.request_id = active_plans.request_id
where
    (scope.category in ('active_plan', 'recently_ceased'))
    <> (named_plan.request_id is not null and active_plans.request_id is not null)
