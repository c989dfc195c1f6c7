-- One row per thing the authority has still to do by law, as at the day the extract was taken. The
-- return stops at the survey day; people's work does not. A view: only the worklists ask for it.
{{ config(materialized='view') }}
with

day as (
    select extracted_on from {{ ref('survey') }}
),

requests as (
    {{ accepted('requests') }}
),

assessments as (
    {{ accepted('assessments') }}
),

reviews as (
    {{ accepted('reviews') }}
),

duties as (
    select
        duties.duty,
        thresholds.unit,
        thresholds.value::integer as limit_value,
    from {{ ref('duties') }} as duties
    left join {{ ref('thresholds') }} as thresholds
        on duties.limit_name = thresholds.name
            and {{ var('collection_year') }} between thresholds.year_from and thresholds.year_to
),

plans_begun as (
    select plans.*
    from {{ ref('case_plans') }} as plans
    cross join day
    where plans.start_date is null or plans.start_date <= day.extracted_on
),

-- Requests that are still the authority's to finish: no plan, not refused, withdrawn or moved away.
open_requests as (
    select
        requests.request_id,
        requests.person_id,
        requests.received_date,
        requests.decision = 'assess' or assessments.request_id is not null as is_agreed,
        assessments.decision as plan_decision,
    from requests
    cross join day
    left join assessments on requests.request_id = assessments.request_id
    anti join plans_begun as plans on requests.request_id = plans.request_id
    where
        requests.received_date <= day.extracted_on
        and requests.moved_to_la is null
        and requests.withdrawn_date is null
        and assessments.withdrawn_date is null
        and (requests.decision is distinct from 'refuse' or assessments.request_id is not null)
        and assessments.decision is distinct from 'refuse'
),

plans_in_force as (
    select plans.*
    from plans_begun as plans
    cross join day
    where plans.cease_date is null or plans.cease_date > day.extracted_on
),

last_reviews as (
    select
        reviews.plan_id,
        max(reviews.meeting_date) as meeting_date,
        max_by(coalesce(reviews.decision, reviews.decision_date::varchar), reviews.meeting_date)
            is not null as is_decided,
    from reviews
    cross join day
    where reviews.meeting_date <= day.extracted_on
    group by reviews.plan_id
),

transfers as (
    select
        reviews.plan_id,
        max(reviews.phase_transfer_due_date) as due_date,
        max_by(
            coalesce(reviews.phase_transfer_final_date <= day.extracted_on, false),
            reviews.phase_transfer_due_date
        ) as is_done,
    from reviews
    cross join day
    where reviews.phase_transfer_due_date is not null
    group by reviews.plan_id
),

events as (
    select request_id, person_id, 'decide_6_weeks' as duty, received_date as start_date,
        false as has_no_review,
    from open_requests
    where is_agreed is not true
    union all
    select request_id, person_id, 'decide_16_weeks', received_date, false,
    from open_requests
    where is_agreed and plan_decision is null
    union all
    select request_id, person_id, 'issue_20_weeks', received_date, false,
    from open_requests
    where is_agreed
    union all
    select
        plans.request_id, plans.person_id, 'review_12_months',
        coalesce(last_reviews.meeting_date, plans.start_date), last_reviews.plan_id is null,
    from plans_in_force as plans
    left join last_reviews on plans.plan_id = last_reviews.plan_id
    union all
    select
        plans.request_id, plans.person_id, 'review_4_weeks', last_reviews.meeting_date, false,
    from plans_in_force as plans
    inner join last_reviews on plans.plan_id = last_reviews.plan_id
    where not last_reviews.is_decided
    union all
    select plans.request_id, plans.person_id, 'phase_transfer', transfers.due_date, false,
    from plans_in_force as plans
    inner join transfers on plans.plan_id = transfers.plan_id
    where not transfers.is_done
),

due as (
    select
        events.*,
        case
            when duties.limit_value is null then events.start_date
            when duties.unit = 'months'
                then (events.start_date + to_months(duties.limit_value))::date
            else events.start_date + duties.limit_value
        end as due_date,
    from events
    inner join duties on events.duty = duties.duty
    where events.start_date is not null
)

select
    due.request_id,
    due.person_id,
    people.worker,
    due.duty,
    due.start_date,
    due.due_date,
    due.due_date < day.extracted_on as is_overdue,
    due.has_no_review,
    due.due_date - day.extracted_on as days_left,
from due
cross join day
left join {{ ref('stg_people') }} as people on due.person_id = people.person_id
qualify row_number() over (
    partition by due.request_id, due.duty
    order by due.due_date, people.worker nulls last
) = 1
