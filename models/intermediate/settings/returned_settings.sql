-- One row per place in the return, where a person is placed or a plan names: where DfE counts it.
with

plan_settings as (
    {{ accepted('plan_settings') }}
),

people as (
    {{ accepted('people') }}
),

limits as (
    select limits.*
    from {{ ref('year_limits') }} as limits
    semi join {{ ref('survey') }} as survey on limits.collection_year = survey.collection_year
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
            'people.birth_date', 'limits.age_reference_date',
            'limits.school_age_from', 'limits.school_age_to'
        ) }} as school_age,
    from places
    cross join limits
    left join people on places.person_id = people.person_id
)

{{ with_settings('aged_places') }}
