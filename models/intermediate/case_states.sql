-- One row per variant of a case: where its request, assessment and plan stood on the survey day.
with

variants as (
    select
        variants.*,
        survey.survey_day,
        survey.period_start,
        survey.period_end,
    from {{ ref('case_variants') }} as variants
    cross join {{ ref('survey') }} as survey
),

-- What had happened by the survey day; what has no date but is said to have happened, had.
events as (
    select
        *,
        request_decision is not null and request_decision_date <= survey_day
            as is_request_decided,
        request_decision is not null and request_decision_date is null
            as is_request_decided_undated,
        request_withdrawn_date <= survey_day as is_request_withdrawn,
        is_moved_away and coalesce(moved_date <= survey_day, true) as has_moved,
        assessment_decision is not null and assessment_decision_date <= survey_day
            as is_assessment_decided,
        assessment_decision is not null and assessment_decision_date is null
            as is_assessment_decided_undated,
        assessment_withdrawn_date <= survey_day as is_assessment_withdrawn,
        has_assessment and assessment_decision is null and assessment_withdrawn_date is null
            as is_assessment_blank,
        plan_id is not null
        and coalesce(start_date <= survey_day, true)
        and (not is_transferred_in or coalesce(transferred_date <= survey_day, true))
            as is_plan_started,
        coalesce(cease_date <= survey_day, false) as is_plan_ceased,
    from variants
),

-- A dated decision stands before a withdrawal, a withdrawal before an undated decision.
states as (
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
            when is_assessment_decided then assessment_decision
            when is_assessment_withdrawn then 'withdrawn'
            when is_assessment_decided_undated then assessment_decision
            else 'undecided'
        end as assessment_state,
    from events
),

dated_states as (
    select
        *,
        case request_state
            when 'agreed' then request_decision_date
            when 'refused' then request_decision_date
            when 'withdrawn' then request_withdrawn_date
            when 'moved' then moved_date
        end as request_state_date,
        case assessment_state
            when 'issued' then assessment_decision_date
            when 'refused' then assessment_decision_date
            when 'withdrawn' then assessment_withdrawn_date
        end as assessment_state_date,
        request_state = 'refused'
        and (is_plan_started or assessment_state <> 'undecided' or is_assessment_blank)
            as is_overturned,
    from states
)

select
    *,
    request_state = 'agreed' or is_overturned as is_proceeding,
from dated_states
