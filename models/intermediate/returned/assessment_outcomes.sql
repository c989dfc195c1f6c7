-- One row per assessment in the return: its outcome, and the date and flag that go with it.
with

requests as (
    select * from {{ ref('request_outcomes') }}
),

survey as (
    select * from {{ ref('survey') }}
),

outcome_codes as (
    select * from {{ ref('outcome_codes') }}
    where
        stage = 'assessment'
        and {{ var('collection_year') }} between year_from and year_to
),

-- A request that goes no further has no assessment, nor has one exported while it was undecided.
expected as (
    select
        *,
        is_own_request
        or (is_transferred_in and is_plan_returned)
        or (is_proceeding and not (exported is not null and assessment_state = 'undecided'))
            as has_assessment,
    from requests
),

-- A plan that hangs from a request with no assessment is given one, undecided, for a rule to
-- report.
words as (
    select
        *,
        case
            when not has_assessment then 'undecided'
            when is_own_request or (is_transferred_in and is_plan_returned) then 'historical'
            when assessment_state in ('issued', 'refused') and assessment_state_date < period_start
                then 'historical'
            else assessment_state
        end as assessment_word,
    from expected
    where has_assessment or is_plan_returned
)

select
    words.person_id,
    words.request_id,
    words.is_plan_returned,
    words.assessment_word,
    outcome_codes.code as assessment_outcome,
    case
        when words.assessment_word in ('issued', 'refused')
            then words.assessment_decision_returned_date
        when words.assessment_word = 'withdrawn' and survey.withdrawn_assessments = 'dated'
            then words.assessment_decision_returned_date
    end as assessment_outcome_date,
    case
        when
            words.assessment_word = 'issued'
            and words.assessment_decision_returned_date is not null
            then words.twenty_week_exception
    end as week20,
from words
cross join survey
left join outcome_codes on words.assessment_word = outcome_codes.outcome
