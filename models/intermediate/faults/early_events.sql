-- One row per event, dated by the survey day, of a case that begins after it: one date may be
-- wrong.
with

cases as (
    select
        cases.*,
        survey.survey_day,
    from {{ ref('cases') }} as cases
    cross join {{ ref('survey') }} as survey
    where
        greatest(cases.received_date, cases.start_date, cases.transferred_date)
        > survey.survey_day
),

reviews as (
    {{ accepted('reviews') }}
)

{% for column in [
    'request_decision_date', 'request_withdrawn_date', 'moved_date', 'assessment_decision_date',
    'assessment_withdrawn_date', 'cease_date', 'transferred_date',
] %}
    select
        request_id,
        '{{ column }}' as event,
        {{ column }} as event_date,
    from cases
    where {{ column }} <= survey_day
    union all
{% endfor %}
-- A plan that comes from another authority was reviewed before it came.
select
    cases.request_id,
    'meeting_date',
    reviews.meeting_date,
from cases
inner join reviews on cases.plan_id = reviews.plan_id
where reviews.meeting_date <= cases.survey_day and not cases.is_transferred_in
union all
select
    cases.request_id,
    'dispute_date',
    disputes.dispute_date,
from cases
inner join {{ ref('case_disputes') }} as disputes on cases.request_id = disputes.request_id
where disputes.dispute_date <= cases.survey_day
