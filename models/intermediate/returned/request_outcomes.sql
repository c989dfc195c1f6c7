-- One row per case in the return: what is returned of its request.
with

cases as (
    select * from {{ ref('case_categories') }}
    where moved_column is null and in_return
),

requests as (
    {{ accepted('requests') }}
),

outcome_codes as (
    select * from {{ ref('outcome_codes') }}
    where
        stage = 'request'
        and {{ var('collection_year') }} between year_from and year_to
),

-- A plan is returned when its case is in the return for the plan's sake.
words as (
    select
        *,
        category in ('active_plan', 'recently_ceased') as is_plan_returned,
        case
            when is_transferred_in and category in ('active_plan', 'recently_ceased')
                then 'historical'
            when request_state in ('agreed', 'refused') and request_state_date < period_start
                then 'historical'
            else request_state
        end as request_word,
        -- The move came before the case was finished; an undated one counts as after.
        case
            when not has_moved or (request_state = 'refused' and not is_overturned) then null
            when
                assessment_state in ('issued', 'refused')
                and (moved_date is null or is_moved_too_early
                    or assessment_state_date <= moved_date)
                then null
            when
                is_plan_started
                and (
                    moved_date is null
                    or is_moved_too_early
                    or coalesce(greatest(start_date, judged_transferred_date) <= moved_date, true)
                )
                then null
            else moved_to_la
        end as exported,
    from cases
)

select
    words.person_id,
    words.request_id,
    words.plan_id,
    words.category,
    words.is_plan_returned,
    words.is_own_request,
    words.is_transferred_in,
    words.is_proceeding,
    words.is_overturned,
    words.request_word,
    words.received_date,
    requests.source as request_source,
    requests.in_youth_accommodation as rya,
    outcome_codes.code as request_outcome,
    case
        when words.request_word in ('agreed', 'refused') then words.request_decision_returned_date
    end as request_outcome_date,
    words.exported,
    words.assessment_state,
    words.assessment_state_date,
    words.assessment_decision_returned_date,
    words.twenty_week_exception,
    words.period_start,
    words.period_end,
    words.survey_day,
from words
left join requests on words.request_id = requests.request_id
left join outcome_codes on words.request_word = outcome_codes.outcome
