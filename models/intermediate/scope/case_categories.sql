-- One row per variant of a case: the first category that applies, and whether it is in the return.
with

states as (
    select
        *,
        coalesce(request_state_date between period_start and period_end, true)
            as is_request_state_in_period,
        coalesce(assessment_state_date between period_start and period_end, true)
            as is_assessment_state_in_period,
        has_moved
        and (is_moved_too_early or coalesce(moved_date between period_start and period_end, true))
            as has_moved_in_period,
        -- The day the case came to its end without a plan.
        case
            when is_proceeding and assessment_state <> 'undecided' then assessment_state_date
            when is_proceeding then moved_by_date
            else request_state_date
        end as ended_date,
    from {{ ref('case_states') }}
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
            when is_proceeding and assessment_state = 'undecided' and has_moved_in_period
                then 'ongoing_assessment'
            when request_state = 'refused' and not is_overturned and is_request_state_in_period
                then 'not_assessed'
            when request_state in ('withdrawn', 'moved') and is_request_state_in_period
                then 'request_withdrawn'
            when request_state = 'undecided' and is_begun then 'ongoing_request'
            when ended_date < period_start then 'decided_before_period'
            when request_state in ('undecided', 'historical') then 'received_after_survey_day'
        end as category,
    from states
)

select
    *,
    category not in (
        'ceased_before_period',
        'decided_before_period',
        'received_after_survey_day'
    ) as in_return,
from categories
