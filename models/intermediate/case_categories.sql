-- One row per variant of a case: the first category that applies, and whether it is in the return.
with

states as (
    select
        *,
        coalesce(request_state_date between period_start and period_end, true)
            as is_request_state_in_period,
        coalesce(assessment_state_date between period_start and period_end, true)
            as is_assessment_state_in_period,
        has_moved and coalesce(moved_date between period_start and period_end, true)
            as has_moved_in_period,
    from {{ ref('case_states') }}
),

-- The day the case came to its end without a plan.
endings as (
    select
        *,
        case
            when is_proceeding and assessment_state <> 'undecided' then assessment_state_date
            when is_proceeding then moved_date
            else request_state_date
        end as ended_date,
        has_moved_in_period
        and (
            assessment_state = 'undecided'
            or coalesce(moved_date, period_start) < assessment_state_date
        ) as has_moved_undecided_in_period,
    from states
),

categories as (
    select
        *,
        case
            when is_plan_started and not is_plan_ceased then 'active_plan'
            when is_plan_ceased and cease_date >= period_start then 'recently_ceased'
            when is_plan_ceased then 'ceased_before_period'
            when assessment_state = 'refused' and is_assessment_state_in_period
                then 'not_issued'
            when assessment_state = 'issued' and is_assessment_state_in_period
                then 'awaiting_issue'
            when assessment_state = 'withdrawn' and is_assessment_state_in_period
                then 'assessment_withdrawn'
            when is_proceeding and assessment_state = 'undecided' and not has_moved
                then 'ongoing_assessment'
            when is_proceeding and has_moved_undecided_in_period then 'ongoing_assessment'
            when request_state = 'refused' and not is_overturned and is_request_state_in_period
                then 'not_assessed'
            when request_state = 'withdrawn' and is_request_state_in_period
                then 'request_withdrawn'
            when
                request_state in ('withdrawn', 'moved')
                and has_moved_in_period
                and coalesce(moved_date, period_start) <= coalesce(request_state_date, period_start)
                then 'request_withdrawn'
            when request_state = 'undecided' and coalesce(received_date <= survey_day, true)
                then 'ongoing_request'
            when ended_date < period_start then 'decided_before_period'
            when ended_date > period_end then 'decided_after_period'
            when request_state in ('undecided', 'historical') then 'received_after_survey_day'
        end as category,
    from endings
)

select
    *,
    category not in (
        'ceased_before_period',
        'decided_before_period',
        'decided_after_period',
        'received_after_survey_day'
    ) as in_return,
from categories
