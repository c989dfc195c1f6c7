-- One row per plan in the return, as at the survey day.
select
    plans.plan_id,
    plans.person_id,
    plans.request_id,
    plans.start_date,
    plans.residential,
    plans.work_based,
    plans.personal_budget,
    plans.organised_arrangements,
    plans.direct_payments,
    case when plans.cease_date <= survey.survey_day then plans.cease_date end as cease_date,
    case when coalesce(plans.cease_date <= survey.survey_day, true) then plans.cease_reason end
        as cease_reason,
    case
        when coalesce(
            plans.transferred_date between survey.period_start and survey.period_end, true
        ) then plans.transferred_from_la
    end as transferred_from_la,
from {{ ref('case_plans') }} as plans
inner join {{ ref('request_outcomes') }} as requests
    on plans.request_id = requests.request_id
cross join {{ ref('survey') }} as survey
where requests.is_plan_returned
