-- One row per variant of a case: where its request, assessment and plan were on the day it is
-- judged by.
with

dates as (
    select * from {{ ref('case_dates') }}
),

-- What had happened by that day; what has no date, or none that can be true, had.
events as (
    select
        *,
        request_decided_date is not null and not is_request_decided_too_early
            as is_request_decided,
        is_begun
        and request_decision is not null
        and (request_decision_date is null or is_request_decided_too_early)
            as is_request_decided_undated,
        request_withdrawn_by_date is not null as is_request_withdrawn,
        is_begun and is_moved_away and (moved_date is null or moved_by_date is not null)
            as has_moved,
        assessment_decided_date is not null and not is_assessment_decided_too_early
            as is_assessment_decided,
        -- A decision to issue that is made later, or was made though the plan came later.
        is_begun
        and assessment_decision is not null
        and case
            when assessment_decision_date is null
                then assessment_decision <> 'issued'
                    or coalesce(issue_decided_date <= judged_day, true)
            when assessment_decided_date is null
                then assessment_decision = 'issued'
                    and coalesce(issue_decided_date <= judged_day, false)
            else is_assessment_decided_too_early
        end as is_assessment_decided_undated,
        coalesce(cease_date <= survey_day, false) and not is_ceased_too_early as is_plan_ceased,
    from dates
),

-- A dated decision stands before a withdrawal, a withdrawal before an undated decision.
request_states as (
    select
        *,
        case
            when is_own_request then 'historical'
            when is_request_decided then request_decision
            when is_request_withdrawn then 'withdrawn'
            when is_request_decided_undated then request_decision
            when has_moved then 'moved'
            else 'undecided'
        end as request_state,
        case
            when request_state in ('agreed', 'refused') and is_request_decided
                then request_decided_date
            when request_state = 'withdrawn' and not is_request_withdrawn_too_early
                then request_withdrawn_by_date
            when request_state = 'moved' and not is_moved_too_early then moved_by_date
        end as request_state_date,
        -- The day that is returned with a decision, also one that cannot be true.
        case when request_state in ('agreed', 'refused') then request_decided_date end
            as request_decision_returned_date,
        -- A later agreement is not there yet, unless something of the assessment is.
        request_state = 'refused'
        and (
            is_plan_started
            or has_assessment
            and (
                coalesce(agreed_date <= judged_day, true)
                or coalesce(assessment_decided_date, assessment_withdrawn_by_date) is not null
            )
        ) as is_overturned,
        request_state = 'agreed' or is_overturned as is_proceeding,
        case
            when is_overturned then coalesce(agreed_date, request_state_date)
            else request_state_date
        end
            as agreement_date,
    from events
),

-- A request that is withdrawn once an assessment was agreed withdraws the assessment.
withdrawals as (
    select
        *,
        is_proceeding and coalesce(request_withdrawn_by_date > agreement_date, false)
            as is_withdrawn_after_agreement,
        assessment_withdrawn_by_date is not null or is_withdrawn_after_agreement
            as is_assessment_withdrawn,
        case
            when assessment_withdrawn_by_date is null then request_withdrawn_by_date
            when not is_assessment_withdrawn_too_early then assessment_withdrawn_by_date
        end as judged_assessment_withdrawn_date,
    from request_states
),

assessment_states as (
    select
        *,
        case
            when request_state = 'refused' and not is_overturned then 'undecided'
            when is_assessment_decided then assessment_decision
            when is_assessment_withdrawn then 'withdrawn'
            when is_assessment_decided_undated then assessment_decision
            else 'undecided'
        end as assessment_state,
        case
            when assessment_state in ('issued', 'refused') and is_assessment_decided
                then assessment_decided_date
            when assessment_state = 'withdrawn' then judged_assessment_withdrawn_date
        end as assessment_state_date,
        case
            when assessment_state in ('issued', 'refused') then assessment_decided_date
            when assessment_state = 'withdrawn'
                then coalesce(assessment_withdrawn_by_date, request_withdrawn_by_date)
        end as assessment_decision_returned_date,
    from withdrawals
)

select
    * exclude (agreement_date, judged_assessment_withdrawn_date),
from assessment_states
