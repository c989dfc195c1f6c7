-- One row per place in the return, where a person is placed or a plan names: where DfE counts it.
with

plan_settings as (
    {{ accepted('plan_settings') }}
),

people as (
    {{ accepted('people') }}
),

ages as (
    select
        max(value) filter (name = 'school_age_from')::integer as school_age_from,
        max(value) filter (name = 'school_age_to')::integer as school_age_to,
    from {{ ref('thresholds') }}
    where {{ var('collection_year') }} between year_from and year_to
),

reference_days as (
    select (year(survey.period_start) || '-' || key_dates.value)::date as age_reference_date,
    from {{ ref('survey') }} as survey
    cross join {{ ref('key_dates') }} as key_dates
    where key_dates.name = 'age_reference_day'
),

places as (
    select
        'placement_detail' as module,
        person_id,
        request_id,
        placement_id,
        urn,
        ukprn,
        setting as sen_setting,
        rank as placement_rank,
        sen_unit as sen_unit_indicator,
        resourced_provision as resourced_provision_indicator,
    from {{ ref('returned_placements') }}
    union all
    select
        'plan_detail' as module,
        plans.person_id,
        plans.request_id,
        null as placement_id,
        plan_settings.urn,
        plan_settings.ukprn,
        plan_settings.setting as sen_setting,
        plan_settings.rank as placement_rank,
        plan_settings.sen_unit as sen_unit_indicator,
        plan_settings.resourced_provision as resourced_provision_indicator,
    from plan_settings
    inner join {{ ref('returned_plans') }} as plans on plan_settings.plan_id = plans.plan_id
),

aged_places as (
    select
        places.*,
        {{ school_age(
            'people.birth_date', 'reference_days.age_reference_date',
            'ages.school_age_from', 'ages.school_age_to'
        ) }} as school_age,
    from places
    cross join reference_days
    cross join ages
    left join people on places.person_id = people.person_id
)

{{ with_settings('aged_places') }}
