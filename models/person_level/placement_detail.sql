-- One row per placement per return.
with

built as (
    select
        'built' as return_id,
        person_id,
        request_id,
        placement_id,
        urn,
        ukprn,
        setting as sen_setting,
        {{ if_collected('placement_detail', 'sen_setting_other', 'setting_note') }}
            as sen_setting_other,
        rank as placement_rank,
        entry_date,
        leaving_date,
        {{ if_collected('placement_detail', 'attendance_pattern', 'attendance') }}
            as attendance_pattern,
        sen_unit as sen_unit_indicator,
        resourced_provision as resourced_provision_indicator,
        {{ if_collected('placement_detail', 'res', 'residential') }} as res,
        {{ if_collected('placement_detail', 'wbp', 'work_based') }} as wbp,
    from {{ ref('returned_placements') }}
),

imported as (
    select
        * replace (
            {{ date_of('entry_date') }} as entry_date,
            {{ date_of('leaving_date') }} as leaving_date,
        ),
    from {{ source('imported', 'placement_detail') }}
)

select * from built
union all by name
select * from imported
