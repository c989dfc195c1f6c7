-- One row per request, person or dispute that a measure of the form counts, on the way to a plan.
with

days as (
    select * from {{ ref('form_days') }}
),

requests as (
    {{ accepted('requests') }}
),

disputes as (
    select * from {{ ref('case_disputes') }}
),

returned_requests as (
    select * from {{ ref('request_outcomes') }}
),

-- Where each case stood at the end of the calendar year; a dated decision before a withdrawal.
year_end_states as (
    select
        cases.person_id,
        case
            when cases.request_decision_date <= days.year_end then cases.request_decision
            when cases.request_withdrawn_date <= days.year_end then 'withdrawn'
            when cases.request_decision is not null and cases.request_decision_date is null
                then cases.request_decision
        end as request_state,
        cases.has_assessment and coalesce(cases.agreed_date <= days.year_end, true)
            as has_assessment,
        coalesce(cases.assessment_decision_date <= days.year_end, false)
        or coalesce(cases.assessment_withdrawn_date <= days.year_end, false)
        or (cases.assessment_decision is not null and cases.assessment_decision_date is null)
            as has_assessment_ended,
        cases.is_moved_away and coalesce(cases.moved_date <= days.year_end, true) as has_moved,
        cases.plan_id is not null and coalesce(cases.start_date <= days.year_end, true)
            as has_plan,
    from {{ ref('cases') }} as cases
    cross join days
    where not cases.is_own_request
),

-- Mediation about one decision is one case, however many meetings it took.
mediation as (
    select
        disputes.request_id,
        disputes.about,
        min(disputes.dispute_date) as mediation_date,
    from disputes
    cross join days
    left join returned_requests on disputes.request_id = returned_requests.request_id
    where
        disputes.kind = 'mediation'
        and coalesce(
            disputes.dispute_date between days.year_start and days.year_end,
            returned_requests.request_id is not null
        )
    group by disputes.request_id, disputes.about
),

appeals as (
    select
        disputes.request_id,
        disputes.about,
        max(disputes.dispute_date) as appeal_date,
    from disputes
    cross join days
    where disputes.kind = 'appeal' and coalesce(disputes.dispute_date <= days.survey_day, true)
    group by disputes.request_id, disputes.about
)

select 'requests' as measure, requests.request_id as unit_id, requests.in_youth_accommodation
    as code,
from requests
cross join days
where requests.received_date between days.year_start and days.year_end
union all
select 'refused', requests.request_id, null,
from returned_requests as requests
cross join days
where
    requests.request_word = 'refused'
    and coalesce(requests.request_outcome_date between days.year_start and days.year_end, true)
union all
select 'not_issued', assessments.person_id, null,
from {{ ref('assessment_outcomes') }} as assessments
cross join days
where
    assessments.assessment_word = 'refused'
    and coalesce(
        assessments.assessment_outcome_date between days.year_start and days.year_end, true
    )
union all
-- A refusal to assess that has an assessment was overturned.
select 'undecided', person_id, null,
from year_end_states
where
    (request_state = 'agreed' or (request_state = 'refused' and has_assessment))
    and not has_assessment_ended
    and not has_moved
    and not has_plan
union all
select
    'mediation',
    mediation.request_id || ' ' || mediation.about,
    case
        when appeals.request_id is not null
            and coalesce(appeals.appeal_date >= mediation.mediation_date, true) then 'appeal'
    end,
from mediation
left join appeals
    on mediation.request_id = appeals.request_id and mediation.about = appeals.about
