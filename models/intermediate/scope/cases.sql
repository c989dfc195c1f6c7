-- One row per case: a request and all that hangs from it, with every date that can decide its
-- scope.
with

requests as (
    {{ accepted('requests') }}
),

assessments as (
    {{ accepted('assessments') }}
),

plans as (
    select * from {{ ref('case_plans') }}
),

people as (
    {{ accepted('people') }}
),

-- A word that is not in the contract counts as no decision.
requests_made as (
    select
        request_id,
        person_id,
        false as is_own_request,
        received_date,
        case decision when 'assess' then 'agreed' when 'refuse' then 'refused' end
            as request_decision,
        decision_date as request_decision_date,
        withdrawn_date as request_withdrawn_date,
        coalesce(moved_to_la, moved_date::varchar, moved_date_raw) is not null as is_moved_away,
        moved_to_la,
        moved_date,
    from requests
),

historical_requests as (
    select
        request_id,
        person_id,
        true as is_own_request,
        null as received_date,
        null as request_decision,
        null as request_decision_date,
        null as request_withdrawn_date,
        false as is_moved_away,
        null as moved_to_la,
        null as moved_date,
    from plans
    where is_own_request
),

all_requests as (
    select * from requests_made
    union all
    select * from historical_requests
)

select
    all_requests.*,
    people.birth_date,
    assessments.request_id is not null as has_assessment,
    case assessments.decision when 'issue' then 'issued' when 'refuse' then 'refused' end
        as assessment_decision,
    assessments.decision_date as assessment_decision_date,
    assessments.withdrawn_date as assessment_withdrawn_date,
    assessments.agreed_date,
    assessments.issue_decided_date,
    assessments.twenty_week_exception,
    plans.plan_id,
    coalesce(plans.is_transferred_in, false) as is_transferred_in,
    plans.start_date,
    plans.transferred_date,
    plans.cease_date,
from all_requests
left join people on all_requests.person_id = people.person_id
left join assessments on all_requests.request_id = assessments.request_id
left join plans on all_requests.request_id = plans.request_id
