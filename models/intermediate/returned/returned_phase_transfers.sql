-- One row per plan in the return with a phase transfer: the one that is due last.
-- It is the plan's own, whether or not the review that names it was held.
with

reviews as (
    {{ accepted('reviews') }}
),

transfers as (
    select
        plans.person_id,
        plans.request_id,
        plans.plan_id,
        reviews.phase_transfer_due_date,
        case
            when reviews.phase_transfer_final_date <= survey.survey_day
                then reviews.phase_transfer_final_date
        end as final_by_date,
        reviews._file,
        reviews._row,
    from reviews
    inner join {{ ref('returned_plans') }} as plans on reviews.plan_id = plans.plan_id
    cross join {{ ref('survey') }} as survey
    where reviews.phase_transfer_due_date >= survey.period_start
)

select
    * rename (final_by_date as phase_transfer_final_date),
from transfers
qualify row_number() over (
    partition by plan_id
    order by phase_transfer_due_date desc, final_by_date desc nulls last, _file asc, _row asc
) = 1
