-- One row per person or plan that a measure of the form counts, on plans and where people are.
with

days as (
    select * from {{ ref('form_days') }}
),

people as (
    select * from {{ ref('form_people') }}
),

plans as (
    select
        plans.*,
        scope.category = 'active_plan' as is_active,
        people.age,
        people.birth_date,
    from {{ ref('case_plans') }} as plans
    inner join people on plans.person_id = people.person_id
    left join {{ ref('case_scope') }} as scope on plans.request_id = scope.request_id
),

-- A person whose plans ended twice in the year counts once, by the last.
ceased as (
    select
        plans.*,
        days.school_age_from,
        days.school_age_to,
    from plans
    cross join days
    where plans.cease_date between days.year_start and days.year_end
    qualify row_number() over (
        partition by plans.person_id
        order by plans.cease_date desc, plans.start_date desc nulls last, plans.plan_id asc
    ) = 1
),

moves as (
    select
        *,
        lag(placement_id) over plan_placements as placement_id_before,
        lag(establishment_group) over plan_placements as group_before,
    from {{ ref('form_placements') }}
    where placement_id is not null
    window plan_placements as (
        partition by plan_id order by entry_date nulls first, leaving_date nulls last, placement_id
    )
)

select 'plans' as measure, person_id as unit_id, age_band, placement, null as code,
    placement is null as is_unknown,
from people
where has_plan
union all
select 'new_plans', person_id, age_band, placement, null, placement is null,
from people
where has_new_plan
union all
select 'work_based', person_id, age_band, placement, work_based, false,
from people
where has_plan and work_based is not null
union all
select 'residential', person_id, age_band, placement, residential, false,
from people
where has_plan and residential is not null
union all
-- How long a plan took can only be told when it is known when the request was received.
select
    'issued',
    people.person_id,
    people.age_band,
    people.placement,
    case
        when people.new_plan_start_date - people.new_plan_received_date <= days.issue_days
            then 'in_time'
        else 'late'
    end || case when people.new_plan_has_exception then '_exception' else '' end,
    false,
from people
cross join days
where people.has_new_plan and people.new_plan_received_date is not null
union all
-- A plan that ended under compulsory school age is in neither count.
select 'ceased_of_school_age', person_id, null, null, cease_reason, false,
from ceased
where age <= school_age_to and {{ age_on('birth_date', 'cease_date') }} >= school_age_from
union all
select 'ceased_above_school_age', person_id, null, null, cease_reason, false,
from ceased
where age > school_age_to
union all
select 'personal_budgets', plan_id, null, null, null, false,
from plans
where is_active and personal_budget = '1'
union all
select 'organised_arrangements', plan_id, null, null, null, false,
from plans
where is_active and personal_budget = '1' and organised_arrangements = '1'
union all
select 'direct_payments', plan_id, null, null, direct_payments, false,
from plans
where is_active and personal_budget = '1' and direct_payments is not null
union all
-- The form tells some places apart by their group and some one by one, so each move is given both.
select
    'moves',
    moves.person_id,
    null,
    null,
    moves.group_before || ' > ' || unnest([moves.establishment_group, moves.placement]),
    moves.group_before is null or moves.establishment_group is null,
from moves
cross join days
where
    moves.placement_id_before is not null
    and moves.entry_date between days.year_start and days.year_end
    and coalesce(moves.entry_date >= moves.plan_start_date, true)
