-- One row per record of an imported return: the file and the line it begins on.
with

lines as (
    select
        return_id,
        module,
        record_id,
        line,
        source_file,
    from {{ source('imported', 'record_lines') }}
    union all
    -- Rules look for the placements and needs of every plan: where there are none, at its request.
    select
        requests.return_id,
        'active_plans',
        requests.record_id,
        requests.line,
        requests.source_file,
    from {{ source('imported', 'record_lines') }} as requests
    anti join {{ source('imported', 'record_lines') }} as active_plans
        on active_plans.module = 'active_plans'
            and requests.return_id = active_plans.return_id
            and requests.record_id = active_plans.record_id
    where requests.module = 'requests'
    union all
    select
        return_id,
        'plan_detail',
        {{ record_id_of('plan_detail') }},
        line,
        source_file,
    from {{ source('imported', 'plan_detail_lines') }}
    union all
    select
        return_id,
        'sen_need',
        {{ record_id_of('sen_need') }},
        line,
        source_file,
    from {{ source('imported', 'sen_need_lines') }}
),

files as (
    select * from {{ source('imported', 'files') }}
)

select
    lines.return_id,
    lines.module,
    lines.record_id,
    coalesce(lines.source_file, files.source_file) as source_file,
    min(lines.line) as source_row,
from lines
inner join files on lines.return_id = files.return_id
group by all
