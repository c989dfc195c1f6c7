-- One row per person: the age band, the place and the plans by which the form counts them.
with

people as (
    {{ accepted('people') }}
),

days as (
    select * from {{ ref('form_days') }}
),

age_bands as (
    select distinct
        age_band,
        split_part(age_band, '-', 1)::integer as age_from,
        split_part(age_band, '-', 2)::integer as age_to,
    from {{ ref('form_cells') }}
    where age_band is not null and {{ var('collection_year') }} between year_from and year_to
),

active_people as (
    select distinct person_id from {{ ref('case_scope') }}
    where category = 'active_plan'
),

first_plans as (
    select * from {{ ref('case_plans') }}
    qualify row_number() over (
        partition by person_id order by start_date nulls last, _file, _row
    ) = 1
),

-- A first plan that this authority issued in the calendar year; the assessment of a plan that was
-- transferred in is historical.
new_plans as (
    select
        plans.person_id,
        plans.request_id,
        plans.start_date,
        requests.received_date,
        coalesce(assessments.week20 = '1', false) as has_exception,
    from first_plans as plans
    cross join days
    inner join {{ ref('assessment_outcomes') }} as assessments
        on plans.request_id = assessments.request_id
    inner join {{ ref('request_outcomes') }} as requests on plans.request_id = requests.request_id
    where
        assessments.assessment_word = 'issued'
        and plans.start_date between days.year_start and days.year_end
),

aged_people as (
    select
        people.person_id,
        people.birth_date,
        {{ age_on('people.birth_date', 'days.age_reference_date') }} as age,
    from people
    cross join days
)

select
    aged_people.*,
    age_bands.age_band,
    active_people.person_id is not null as has_plan,
    new_plans.person_id is not null as has_new_plan,
    new_plans.received_date as new_plan_received_date,
    new_plans.start_date as new_plan_start_date,
    new_plans.has_exception as new_plan_has_exception,
    placements.placement,
    placements.is_unclassified,
    placements.residential,
    placements.work_based,
from aged_people
left join age_bands on aged_people.age between age_bands.age_from and age_bands.age_to
left join active_people on aged_people.person_id = active_people.person_id
left join new_plans on aged_people.person_id = new_plans.person_id
left join {{ ref('form_placements') }} as placements
    on aged_people.person_id = placements.person_id and placements.is_current
