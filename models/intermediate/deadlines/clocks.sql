-- One row per statutory clock of a case in the return: its dates, its length, and where it stands.
-- People work by it, so it goes by the day of the extract, also after the survey day.
with

survey as (
    select * from {{ ref('survey') }}
),

-- The requests whose time counts. One supplied for a plan, or of a plan that came from another
-- authority, has no clock here: another authority ran it, or nobody knows when it began.
requests as (
    select
        outcomes.request_id,
        outcomes.person_id,
        outcomes.received_date,
        states.request_state,
        states.request_decision_returned_date,
        case
            when states.request_decision is not null
                and states.request_decision_date <= survey.extracted_on
                then states.request_decision_date
        end as request_decided_since_date,
        coalesce(
            least(states.request_withdrawn_date, states.moved_date) <= survey.extracted_on, false
        ) as is_request_gone_since,
        assessments.assessment_word,
        assessments.assessment_outcome_date,
        case
            when states.assessment_decision_date <= survey.extracted_on
                then states.assessment_decision
        end as assessment_decision_since,
        states.assessment_decision_date as assessment_decided_since_date,
        coalesce(
            least(
                states.assessment_withdrawn_date, states.request_withdrawn_date, states.moved_date
            ) <= survey.extracted_on,
            false
        ) as is_assessment_gone_since,
    from {{ ref('request_outcomes') }} as outcomes
    cross join survey
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
    {{ accepted('reviews') }}
),

returned_reviews as (
    select
        returned.*,
        coalesce(
            returned.decision_date,
            case when reviews.decision_date <= survey.extracted_on then reviews.decision_date end
        ) as decided_date,
    from {{ ref('returned_reviews') }} as returned
    cross join survey
    left join reviews on returned._file = reviews._file and returned._row = reviews._row
),

transfers as (
    select
        returned.*,
        coalesce(
            returned.phase_transfer_final_date,
            case
                when reviews.phase_transfer_final_date <= survey.extracted_on
                    then reviews.phase_transfer_final_date
            end
        ) as final_date,
    from {{ ref('returned_phase_transfers') }} as returned
    cross join survey
    left join reviews on returned._file = reviews._file and returned._row = reviews._row
),

limits as (
    select limits.*
    from {{ ref('year_limits') }} as limits
    semi join {{ ref('survey') }} as survey on limits.collection_year = survey.collection_year
),

-- What each clock runs from, what stops it, and whether that has happened, dated or not.
events as (
    select
        request_id,
        person_id,
        'decide_6_weeks' as clock,
        limits.decide_days as limit_days,
        received_date as start_date,
        case
            when request_state = 'undecided' then request_decided_since_date
            else request_decision_returned_date
        end as end_date,
        request_state <> 'undecided' as has_ended,
    from requests
    cross join limits
    where
        request_state in ('agreed', 'refused')
        or (
            request_state = 'undecided'
            and (request_decided_since_date is not null or not is_request_gone_since)
        )
    union all
    select
        request_id,
        person_id,
        'refuse_16_weeks' as clock,
        limits.refuse_days as limit_days,
        received_date as start_date,
        case
            when assessment_word = 'undecided' then assessment_decided_since_date
            else assessment_outcome_date
        end as end_date,
        true as has_ended,
    from requests
    cross join limits
    where
        assessment_word = 'refused'
        or (assessment_word = 'undecided' and assessment_decision_since = 'refused')
    union all
    -- A plan that is to be issued, on no date yet, is still awaited.
    select
        request_id,
        person_id,
        'issue_20_weeks' as clock,
        limits.issue_days as limit_days,
        received_date as start_date,
        coalesce(
            assessment_outcome_date,
            case when assessment_decision_since = 'issued' then assessment_decided_since_date end
        ) as end_date,
        false as has_ended,
    from requests
    cross join limits
    where
        assessment_word = 'issued'
        or (
            assessment_word = 'undecided'
            and case
                when assessment_decision_since is null then not is_assessment_gone_since
                else assessment_decision_since = 'issued'
            end
        )
    union all
    select
        request_id,
        person_id,
        'review_4_weeks' as clock,
        limits.review_days as limit_days,
        meeting_date as start_date,
        decided_date as end_date,
        coalesce(decision, decided_date::varchar) is not null as has_ended,
    from returned_reviews
    cross join limits
    where meeting_date is not null
    union all
    -- The law gives the day itself, so there is no limit to add.
    select
        request_id,
        person_id,
        'phase_transfer' as clock,
        0 as limit_days,
        phase_transfer_due_date as start_date,
        final_date as end_date,
        false as has_ended,
    from transfers
),

-- How long a decision took cannot be told when it has no date.
clocks as (
    select
        events.* exclude (limit_days, has_ended),
        events.start_date + events.limit_days as due_date,
        survey.extracted_on,
    from events
    cross join survey
    where not (events.has_ended and events.end_date is null)
)

select
    request_id,
    person_id,
    clock,
    start_date,
    due_date,
    end_date,
    coalesce(end_date, extracted_on) - start_date as days,
    case
        when end_date <= due_date then 'met'
        when end_date > due_date then 'late'
        when extracted_on <= due_date then 'running'
        when extracted_on > due_date then 'overdue'
    end as state,
    case when end_date is null then due_date - extracted_on end as days_left,
from clocks
