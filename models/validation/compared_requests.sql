-- One row per request of a return that is compared: its case as it stood on the return's survey day.
with

returns as (
    select
        earlier_return_id as return_id,
        earlier_survey_day as survey_day,
    from {{ ref('compared_returns') }}
    union
    select
        later_return_id,
        later_survey_day,
    from {{ ref('compared_returns') }}
),

-- Of several plans or assessments of one request, which rules report, the first counts.
assessments as (
    select * from {{ ref('assessment') }}
    qualify row_number() over (
        partition by return_id, request_id order by assessment_outcome_date, assessment_outcome
    ) = 1
),

named_plans as (
    select * from {{ ref('named_plan') }}
    qualify row_number() over (
        partition by return_id, request_id order by start_date, cease_date
    ) = 1
),

active_plans as (
    select * from {{ ref('active_plans') }}
    qualify row_number() over (
        partition by return_id, request_id order by review_meeting, transfer_la
    ) = 1
),

cases as (
    select
        requests.return_id,
        requests.person_id,
        requests.request_id,
        requests.received_date,
        requests.request_outcome_date,
        assessments.assessment_outcome_date,
        named_plans.start_date,
        named_plans.cease_date,
        active_plans.review_meeting,
        named_plans.request_id is not null as has_plan,
        active_plans.transfer_la is not null as is_transferred_in,
        requests.exported is not null as is_exported,
        named_plans.request_id is not null
        and coalesce(named_plans.start_date <= returns.survey_day, true)
        and coalesce(named_plans.cease_date > returns.survey_day, true) as is_active,
        coalesce(assessments.assessment_outcome, requests.request_outcome) as last_outcome,
        assessments.request_id is not null as has_assessment,
    from {{ ref('requests') }} as requests
    inner join returns on requests.return_id = returns.return_id
    left join assessments
        on requests.return_id = assessments.return_id
            and requests.request_id = assessments.request_id
    left join named_plans
        on requests.return_id = named_plans.return_id
            and requests.request_id = named_plans.request_id
    left join active_plans
        on requests.return_id = active_plans.return_id
            and requests.request_id = active_plans.request_id
)

select
    * exclude (last_outcome, has_assessment, is_exported),
    -- undecided, or decided to issue a plan that is not there yet
    not has_plan and not is_exported and coalesce(last_outcome in ('A', 'Y'), false) as is_open,
    case
        when has_plan then cease_date
        when last_outcome = 'N' and has_assessment then assessment_outcome_date
        when last_outcome = 'N' then request_outcome_date
    end as concluded_date,
from cases
