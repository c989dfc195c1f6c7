-- One row per landed row that is rejected: a repeated or blank key, or a parent that is missing.
-- A row whose parent is rejected is rejected too; a plan outlives its request.
{# Each table with its key, its parent and the parent's key, parents first. #}
{% set tables = {
    'people': ('person_id', none, none),
    'requests': ('request_id', 'people', 'person_id'),
    'plans': ('plan_id', 'people', 'person_id'),
    'assessments': ('request_id', 'requests', 'request_id'),
    'placements': ('placement_id', 'plans', 'plan_id'),
    'plan_settings': (none, 'plans', 'plan_id'),
    'needs': (none, 'plans', 'plan_id'),
    'reviews': (none, 'plans', 'plan_id'),
    'establishments': ('urn', none, none),
} %}
{% set parents = ['people', 'requests', 'plans'] %}
with

{% for table_name, (key, parent, parent_key) in tables.items() %}
    {{ table_name }} as (
        select
            '{{ table_name }}' as table_name,
            landed._file,
            landed._row,
            {{ "'" ~ key ~ "'" if key else 'null' }} as key_column,
            {{ 'landed.' ~ key if key else 'null' }} as key,
            {% if key %}
                -- Two sources that share their ids may both describe a person.
                row_number() over same_key as place,
                first_value(landed._file || ' row ' || landed._row) over same_key as first_row,
            {% else %}
                1 as place,
                null as first_row,
            {% endif %}
            {{ "'" ~ parent_key ~ "'" if parent else 'null' }} as parent_column,
            {{ 'landed.' ~ parent_key if parent else 'null' }} as parent,
            {% if parent %}
                landed.{{ parent_key }} in (from {{ parent }}_accepted) as has_parent,
            {% else %}
                true as has_parent,
            {% endif %}
        from {{ ref('stg_' ~ table_name) }} as landed
        {% if key %}
            window same_key as (
                partition by
                    landed.{{ key }}{{ ', landed._source' if table_name == 'people' }}
                order by landed._file, landed._row
            )
        {% endif %}
    ),

    {% if table_name in parents %}
        {{ table_name }}_accepted as (
            select key
            from {{ table_name }}
            where key is not null and place = 1 and has_parent
        ),
    {% endif %}
{% endfor %}

-- A dispute is of a request, or of a plan when it names no request.
disputes as (
    select
        'disputes' as table_name,
        _file,
        _row,
        null as key_column,
        null as key,
        1 as place,
        null as first_row,
        case when request_id is null and plan_id is not null then 'plan_id' else 'request_id' end
            as parent_column,
        coalesce(request_id, plan_id) as parent,
        case
            when request_id is null then plan_id in (from plans_accepted)
            else request_id in (from requests_accepted)
        end as has_parent,
    from {{ ref('stg_disputes') }}
),

landed as (
    {% for table_name in tables %}
        select * from {{ table_name }}
        union all by name
    {% endfor %}
    select * from disputes
),

judged as (
    select
        *,
        key_column is not null and key is null as is_own_key_blank,
        is_own_key_blank or (parent_column is not null and parent is null) as is_key_blank,
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
        when is_own_key_blank then 'its key column ' || key_column || ' is blank'
        when is_key_blank then 'its key column ' || parent_column || ' is blank'
        when is_repeated then 'the same ' || key_column || ' as in ' || first_row
        else 'its ' || parent_column || ' ' || parent || ' is unknown, or was itself left out'
    end as reason,
from judged
where is_key_blank or is_repeated or is_orphan
