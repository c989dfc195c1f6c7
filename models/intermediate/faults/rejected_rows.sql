-- One row per landed row that is rejected: a repeated or blank key, or a parent that is missing.
-- A row whose parent is rejected is rejected too; a plan outlives its request.
with

people as (
    select
        _file,
        _row,
        person_id as key,
        -- Two sources that share their ids may both describe a person.
        row_number() over (partition by person_id, _source order by _file, _row) as place,
    from {{ ref('stg_people') }}
),

people_accepted as (
    select key from people
    where key is not null and place = 1
),

requests as (
    select
        _file,
        _row,
        request_id as key,
        person_id as parent,
        row_number() over (partition by request_id order by _file, _row) as place,
    from {{ ref('stg_requests') }}
),

requests_accepted as (
    select key from requests
    where key is not null and place = 1 and parent in (select p.key from people_accepted as p)
),

assessments as (
    select
        _file,
        _row,
        request_id as key,
        row_number() over (partition by request_id order by _file, _row) as place,
    from {{ ref('stg_assessments') }}
),

plans as (
    select
        _file,
        _row,
        plan_id as key,
        person_id as parent,
        row_number() over (partition by plan_id order by _file, _row) as place,
    from {{ ref('stg_plans') }}
),

plans_accepted as (
    select key from plans
    where key is not null and place = 1 and parent in (select p.key from people_accepted as p)
),

placements as (
    select
        _file,
        _row,
        placement_id as key,
        plan_id as parent,
        row_number() over (partition by placement_id order by _file, _row) as place,
    from {{ ref('stg_placements') }}
),

establishments as (
    select
        _file,
        _row,
        urn as key,
        row_number() over (partition by urn order by _file, _row) as place,
    from {{ ref('stg_establishments') }}
),

-- Each landed row with its key (where the table has one) and the parent it hangs from.
landed as (
    select 'people' as table_name, _file, _row, 'person_id' as key_column, key, place,
        null as parent_column, null as parent, true as has_parent,
    from people
    union all
    select 'requests', _file, _row, 'request_id', key, place, 'person_id', parent,
        parent in (select p.key from people_accepted as p),
    from requests
    union all
    select 'assessments', _file, _row, 'request_id', key, place, 'request_id', key,
        key in (select r.key from requests_accepted as r),
    from assessments
    union all
    select 'disputes', _file, _row, null, null, 1,
        case when request_id is null and plan_id is not null then 'plan_id' else 'request_id' end,
        coalesce(request_id, plan_id),
        case
            when request_id is null then plan_id in (select p.key from plans_accepted as p)
            else request_id in (select r.key from requests_accepted as r)
        end,
    from {{ ref('stg_disputes') }}
    union all
    select 'plans', _file, _row, 'plan_id', key, place, 'person_id', parent,
        parent in (select p.key from people_accepted as p),
    from plans
    union all
    select 'placements', _file, _row, 'placement_id', key, place, 'plan_id', parent,
        parent in (select p.key from plans_accepted as p),
    from placements
    {% for table_name in ('plan_settings', 'needs', 'reviews') %}
        union all
        select '{{ table_name }}', _file, _row, null, null, 1, 'plan_id', plan_id,
            plan_id in (select p.key from plans_accepted as p),
        from {{ ref('stg_' ~ table_name) }}
    {% endfor %}
    union all
    select 'establishments', _file, _row, 'urn', key, place, null, null, true,
    from establishments
),

judged as (
    select
        table_name,
        _file,
        _row,
        key_column,
        parent_column,
        key_column is not null and key is null or parent_column is not null and parent is null
            as is_key_blank,
        case when key_column is not null and key is null then key_column else parent_column end
            as blank_column,
        key is not null and place > 1 as is_repeated,
        not coalesce(has_parent, false) as is_orphan,
    from landed
)

select
    table_name,
    _file,
    _row,
    case
        when is_key_blank then 'blank_key'
        when is_repeated then 'repeated_key'
        else 'missing_parent'
    end as fault,
    case
        when is_key_blank then 'its key column ' || blank_column || ' is blank'
        when is_repeated then 'an earlier row has the same ' || key_column
        else 'its ' || parent_column || ' is unknown, or was itself rejected'
    end as reason,
from judged
where is_key_blank or is_repeated or is_orphan
