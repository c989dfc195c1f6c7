-- One row per plan in the return with a review decided by the survey day: the latest decision.
with

reviews as (
    {{ accepted('reviews') }}
)

select
    plans.request_id,
    plans.plan_id,
    reviews.decision_date,
    reviews._file,
    reviews._row,
from reviews
inner join {{ ref('returned_plans') }} as plans on reviews.plan_id = plans.plan_id
cross join {{ ref('survey') }} as survey
where reviews.decision_date <= survey.survey_day
qualify row_number() over (
    partition by plans.plan_id
    order by reviews.decision_date desc, reviews._file asc, reviews._row asc
) = 1
