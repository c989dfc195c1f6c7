-- One row per variant of a case: the day it is judged by, and which of its dates cannot be true.
-- A date that cannot be true beside another counts, for scope, as a date that is blank.
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

plan_dates as (
    select
        *,
        coalesce(transferred_date < greatest(start_date, birth_date), false)
            as is_transferred_too_early,
        case when not is_transferred_too_early then transferred_date end as judged_transferred_date,
        plan_id is not null
        and coalesce(start_date <= survey_day, true)
        and (not is_transferred_in or coalesce(judged_transferred_date <= survey_day, true))
            as is_plan_started,
        coalesce(cease_date < greatest(start_date, judged_transferred_date, birth_date), false)
            as is_ceased_too_early,
        -- A plan that has started shows that what came before it had happened.
        case when is_plan_started then survey_day else least(period_end, survey_day) end
            as judged_day,
    from variants
),

-- What is dated after the day the case is judged by is not there yet.
request_dates as (
    select
        *,
        case when request_decision_date <= judged_day and request_decision is not null
            then request_decision_date end as request_decided_date,
        case when request_withdrawn_date <= judged_day then request_withdrawn_date end
            as request_withdrawn_by_date,
        case when moved_date <= judged_day then moved_date end as moved_by_date,
        case when assessment_decision_date <= judged_day and assessment_decision is not null
            then assessment_decision_date end as assessment_decided_date,
        case when assessment_withdrawn_date <= judged_day then assessment_withdrawn_date end
            as assessment_withdrawn_by_date,
        greatest(received_date, birth_date) as earliest_date,
        coalesce(request_decided_date < earliest_date, false) as is_request_decided_too_early,
        coalesce(request_withdrawn_by_date < earliest_date, false)
            as is_request_withdrawn_too_early,
        coalesce(moved_by_date < earliest_date, false) as is_moved_too_early,
    from plan_dates
),

assessment_dates as (
    select
        *,
        greatest(
            earliest_date,
            case when not is_request_decided_too_early then request_decided_date end,
            case when request_decision = 'refused' and agreed_date <= judged_day
                then agreed_date end
        ) as earliest_assessment_date,
        coalesce(assessment_decided_date < earliest_assessment_date, false)
            as is_assessment_decided_too_early,
        coalesce(assessment_withdrawn_by_date < earliest_assessment_date, false)
            as is_assessment_withdrawn_too_early,
    from request_dates
)

select
    * exclude (earliest_date, earliest_assessment_date),
    -- A request received later, with no date before, is not there yet, undated events and all.
    coalesce(received_date <= judged_day, true)
    or is_plan_started
    or coalesce(
        request_decided_date,
        request_withdrawn_by_date,
        moved_by_date,
        assessment_decided_date,
        assessment_withdrawn_by_date
    ) is not null as is_begun,
from assessment_dates
