-- One row per main placement begun by the survey day, and one for a person with none in force then.
-- The form counts a person at one place, where is_current is true.
with

placements as (
    {{ accepted('placements') }}
),

people as (
    {{ accepted('people') }}
),

days as (
    select * from {{ ref('form_days') }}
),

plans as (
    select
        plans.*,
        coalesce(scope.category = 'active_plan', false) as is_active,
    from {{ ref('case_plans') }} as plans
    left join {{ ref('case_scope') }} as scope on plans.request_id = scope.request_id
),

main_placements as (
    select
        plans.person_id,
        plans.plan_id,
        plans.is_active,
        plans.start_date as plan_start_date,
        placements.placement_id,
        placements.urn,
        placements.ukprn,
        placements.setting as sen_setting,
        placements.setting_note,
        placements.sen_unit as sen_unit_indicator,
        placements.resourced_provision as resourced_provision_indicator,
        placements.residential,
        placements.work_based,
        placements.entry_date,
        placements.leaving_date,
        coalesce(placements.leaving_date > days.survey_day, true) as is_in_force,
    from placements
    inner join plans on placements.plan_id = plans.plan_id
    cross join days
    where placements.rank = '1' and coalesce(placements.entry_date <= days.survey_day, true)
),

-- Of several in force, one of an active plan counts, and of those the latest.
current_placements as (
    select
        person_id,
        placement_id,
    from main_placements
    where is_in_force
    qualify row_number() over (
        partition by person_id
        order by is_active desc, entry_date desc nulls last, placement_id asc
    ) = 1
),

places as (
    select
        main_placements.* exclude (is_active, is_in_force),
        current_placements.placement_id is not null as is_current,
    from main_placements
    left join current_placements on main_placements.placement_id = current_placements.placement_id
    union all by name
    select
        people.person_id,
        true as is_current,
    from people
    cross join days
    semi join plans on people.person_id = plans.person_id
    anti join current_placements on people.person_id = current_placements.person_id
)

select
    places.*,
    {{ school_age(
        'people.birth_date', 'days.age_reference_date', 'days.school_age_from', 'days.school_age_to'
    ) }} as school_age,
from places
cross join days
left join people on places.person_id = people.person_id
