-- One row per statutory clock of a case in the return: its dates, its length, and where it stands.
with

-- The requests whose time counts. One supplied for a plan, or of a plan that came from another
-- authority, has no clock here: another authority ran it, or nobody knows when it began.
requests as (
    select
        outcomes.request_id,
        outcomes.person_id,
        outcomes.received_date,
        states.request_state,
        states.request_decision_returned_date,
        assessments.assessment_word,
        assessments.assessment_outcome_date,
    from {{ ref('request_outcomes') }} as outcomes
    inner join {{ ref('case_states') }} as states
        on outcomes.request_id = states.request_id and states.moved_column is null
    left join {{ ref('assessment_outcomes') }} as assessments
        on outcomes.request_id = assessments.request_id
    where
        outcomes.received_date is not null
        and outcomes.is_own_request is not true
        and (outcomes.is_transferred_in and outcomes.is_plan_returned) is not true
),

reviews as (
    select * from {{ ref('returned_reviews') }}
),

limits as (
    select
        name as limit_name,
        value::integer as limit_days,
    from {{ ref('thresholds') }}
    where {{ var('collection_year') }} between year_from and year_to
),

-- What each clock runs from, what stops it, and whether that has happened, dated or not.
events as (
    select
        request_id,
        person_id,
        'decide_6_weeks' as clock,
        'decide_days' as limit_name,
        received_date as start_date,
        request_decision_returned_date as end_date,
        request_state <> 'undecided' as has_ended,
    from requests
    where request_state in ('agreed', 'refused', 'undecided')
    union all
    select
        request_id,
        person_id,
        'refuse_16_weeks' as clock,
        'refuse_days' as limit_name,
        received_date as start_date,
        assessment_outcome_date as end_date,
        true as has_ended,
    from requests
    where assessment_word = 'refused'
    union all
    -- A plan that is to be issued, on no date yet, is still awaited.
    select
        request_id,
        person_id,
        'issue_20_weeks' as clock,
        'issue_days' as limit_name,
        received_date as start_date,
        assessment_outcome_date as end_date,
        assessment_outcome_date is not null as has_ended,
    from requests
    where assessment_word in ('issued', 'undecided')
    union all
    select
        request_id,
        person_id,
        'review_4_weeks' as clock,
        'review_days' as limit_name,
        meeting_date as start_date,
        decision_date as end_date,
        coalesce(decision, decision_date::varchar) is not null as has_ended,
    from reviews
    where meeting_date is not null
    union all
    -- The law gives the day itself, so there is no limit to add.
    select
        request_id,
        person_id,
        'phase_transfer' as clock,
        null as limit_name,
        phase_transfer_due_date as start_date,
        phase_transfer_final_date as end_date,
        phase_transfer_final_date is not null as has_ended,
    from {{ ref('returned_phase_transfers') }}
),

-- How long a decision took cannot be told when it has no date.
clocks as (
    select
        events.* exclude (limit_name, has_ended),
        case
            when events.limit_name is null then events.start_date
            else events.start_date + limits.limit_days
        end as due_date,
        survey.as_at,
    from events
    cross join {{ ref('survey') }} as survey
    left join limits on events.limit_name = limits.limit_name
    where not (events.has_ended and events.end_date is null)
)

select
    request_id,
    person_id,
    clock,
    start_date,
    due_date,
    end_date,
    coalesce(end_date, as_at) - start_date as days,
    case
        when end_date <= due_date then 'met'
        when end_date > due_date then 'late'
        when as_at <= due_date then 'running'
        when as_at > due_date then 'overdue'
    end as state,
    case when end_date is null then due_date - as_at end as days_left,
from clocks
