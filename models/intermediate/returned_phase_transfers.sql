-- One row per plan in the return with a phase transfer: the one that is due last.
-- It is the plan's own, whether or not the review that names it was held.
with

reviews as (
    {{ accepted('reviews') }}
)

select
    plans.person_id,
    plans.request_id,
    plans.plan_id,
    reviews.phase_transfer_due_date,
    case when reviews.phase_transfer_final_date <= survey.survey_day
        then reviews.phase_transfer_final_date end as phase_transfer_final_date,
    reviews._file,
    reviews._row,
from reviews
inner join {{ ref('returned_plans') }} as plans on reviews.plan_id = plans.plan_id
cross join {{ ref('survey') }} as survey
where reviews.phase_transfer_due_date >= survey.period_start
qualify row_number() over (
    partition by plans.plan_id
    order by
        reviews.phase_transfer_due_date desc,
        phase_transfer_final_date desc nulls last,
        reviews._file,
        reviews._row
) = 1
