-- One row per plan in the return that has been reviewed: its latest review by the survey day.
with

reviews as (
    {{ accepted('reviews') }}
),

held as (
    select
        reviews.*,
        plans.person_id,
        plans.request_id,
        survey.survey_day,
    from reviews
    inner join {{ ref('returned_plans') }} as plans on reviews.plan_id = plans.plan_id
    cross join {{ ref('survey') }} as survey
    where coalesce(reviews.meeting_date <= survey.survey_day, true)
)

-- A review with no meeting date is returned only when there is no other.
select
    person_id,
    request_id,
    plan_id,
    meeting_date,
    case when coalesce(decision_date <= survey_day, true) then decision end as decision,
    case when decision_date <= survey_day then decision_date end as decision_date,
    case when draft_date <= survey_day then draft_date end as draft_date,
    _file,
    _row,
from held
qualify row_number() over (
    partition by plan_id
    order by meeting_date desc nulls last, decision_date desc nulls last, _file asc, _row asc
) = 1
