-- One row per record of a return: the file and row, or line, that it came from.
with

people as (
    {{ accepted('people') }}
),

requests as (
    {{ accepted('requests') }}
),

assessments as (
    {{ accepted('assessments') }}
),

placements as (
    {{ accepted('placements') }}
),

plan_settings as (
    {{ accepted('plan_settings') }}
),

needs as (
    {{ accepted('needs') }}
),

plan_details as (
    select
        'built' as return_id,
        plans.request_id,
        plan_settings._file,
        plan_settings._row,
        plan_settings.urn,
        plan_settings.ukprn,
        plan_settings.setting as sen_setting,
        plan_settings.setting_note as sen_setting_other,
        plan_settings.rank as placement_rank,
        plan_settings.sen_unit as sen_unit_indicator,
        plan_settings.resourced_provision as resourced_provision_indicator,
    from plan_settings
    inner join {{ ref('returned_plans') }} as plans on plan_settings.plan_id = plans.plan_id
),

sen_needs as (
    select
        'built' as return_id,
        plans.request_id,
        needs._file,
        needs._row,
        needs.need as sen_type,
        needs.rank as sen_type_rank,
    from needs
    inner join {{ ref('returned_plans') }} as plans on needs.plan_id = plans.plan_id
),

plan_rows as (
    select
        request_id,
        _file,
        _row,
    from {{ ref('case_plans') }}
),

built as (
    select 'person' as module, person_id as record_id, _file as source_file, _row as source_row,
    from people
    union all
    -- A request that we supplied for a plan comes from the plan's row.
    select 'requests', outcomes.request_id, coalesce(requests._file, plan_rows._file),
        coalesce(requests._row, plan_rows._row),
    from {{ ref('request_outcomes') }} as outcomes
    left join requests on outcomes.request_id = requests.request_id
    left join plan_rows on outcomes.request_id = plan_rows.request_id
    union all
    -- An assessment that we supplied comes from the request's row, or the plan's.
    select 'assessment', outcomes.request_id,
        coalesce(assessments._file, requests._file, plan_rows._file),
        coalesce(assessments._row, requests._row, plan_rows._row),
    from {{ ref('assessment_outcomes') }} as outcomes
    left join assessments on outcomes.request_id = assessments.request_id
    left join requests on outcomes.request_id = requests.request_id
    left join plan_rows on outcomes.request_id = plan_rows.request_id
    union all
    select 'named_plan', request_id, _file, _row,
    from plan_rows
    union all
    select 'active_plans', request_id, _file, _row,
    from plan_rows
    union all
    select 'placement_detail', placement_id, _file, _row,
    from placements
    union all
    select
        'plan_detail',
        {{ record_id_of('plan_detail') }},
        _file,
        _row,
    from plan_details
    union all
    select
        'sen_need',
        {{ record_id_of('sen_need') }},
        _file,
        _row,
    from sen_needs
)

select
    'built' as return_id,
    *,
from built
union all by name
select * from {{ ref('imported_records') }}
