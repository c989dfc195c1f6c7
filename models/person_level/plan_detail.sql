-- One row per setting named in a plan, per return.
with

plan_settings as (
    {{ accepted('plan_settings') }}
),

built as (
    select
        'built' as return_id,
        plans.person_id,
        plans.request_id,
        plan_settings.urn,
        plan_settings.ukprn,
        plan_settings.setting as sen_setting,
        {{ if_collected('plan_detail', 'sen_setting_other', 'plan_settings.setting_note') }}
            as sen_setting_other,
        plan_settings.rank as placement_rank,
        plan_settings.sen_unit as sen_unit_indicator,
        plan_settings.resourced_provision as resourced_provision_indicator,
    from plan_settings
    inner join {{ ref('returned_plans') }} as plans on plan_settings.plan_id = plans.plan_id
),

imported as (
    select * from {{ source('imported', 'plan_detail') }}
)

select * from built
union all by name
select * from imported
