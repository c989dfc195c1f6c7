-- Are the primary needs of new plans other than those of all plans?
-- One row per type of need: its share of the plans in force and of those new in the calendar year.
with

counted as (
    select
        coalesce(need, 'not recorded') as need,
        count(*) as plan_count,
        0 as new_plan_count,
    from {{ ref('plans_at_survey_day') }}
    where return_id = 'built'
    group by all
    union all
    select
        coalesce(need, 'not recorded'),
        0,
        count(*),
    from {{ ref('plans_started') }}
    where return_id = 'built'
    group by all
)

select
    need,
    sum(plan_count) as plan_count,
    sum(new_plan_count) as new_plan_count,
    round(100 * sum(plan_count) / nullif(sum(sum(plan_count)) over (), 0), 1) as share_of_all,
    round(100 * sum(new_plan_count) / nullif(sum(sum(new_plan_count)) over (), 0), 1)
        as share_of_new,
from counted
group by need
order by plan_count desc, need asc
