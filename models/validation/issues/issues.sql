-- One row per fault: a record, and a rule of its return's year that it breaks.
{# Modules whose records are rows of a file, of which several may have one key. #}
{% set placed_modules = ['extract', 'file', 'compared'] %}
{# The contract table whose row a record of each module begins on, and the column with the rank of
   those that a request has several of. #}
{% set own_tables = {
    'person': 'people',
    'requests': 'requests',
    'assessment': 'assessments',
    'named_plan': 'plans',
    'active_plans': 'plans',
} %}
{% set ranks = [
    ('named_plan', 'plan_detail', 'placement_rank'),
    ('active_plans', 'sen_need', 'sen_type_rank'),
] %}
with

-- The true cells of the checks models, one row each.
broken as (
    {% for module in check_modules() %}
        select
            return_id,
            person_id,
            request_id,
            record_id,
            '{{ module }}' as module,
            source_file,
            source_row,
            rule_column,
        from (
            select
                return_id,
                person_id,
                request_id,
                record_id,
                {% if module in placed_modules %}
                    source_file,
                    source_row,
                {% else %}
                    null::varchar as source_file,
                    null::bigint as source_row,
                {% endif %}
                columns('^rule_'),
            from {{ ref(module ~ '_checks') }}
        )
        unpivot (is_broken for rule_column in (columns('^rule_')))
        where is_broken
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- A rule's column is the newest version that its return's year has reached.
in_force as (
    select
        broken.*,
        rules.rule_id,
        rules.severity,
        rules.items,
        rules.message,
        rules.fix,
        rules.follows,
        rules.likely_error,
        rules.accepted,
    from broken
    inner join {{ ref('returns') }} as returns on broken.return_id = returns.return_id
    inner join {{ ref('rule_columns') }} as rules
        on broken.rule_column = rules.rule_column
            and broken.module = rules.module
            and returns.collection_year = rules.collection_year
),

-- Each record with an issue, as it stood.
records as (
    {% for module in check_modules() %}
        select
            checks.return_id,
            checks.record_id,
            '{{ module }}' as module,
            {{ 'checks.source_file' if module in placed_modules else 'null' }} as source_file,
            {{ 'checks.source_row' if module in placed_modules else 'null' }} as source_row,
            to_json(checks) as record,
        from {{ ref(module ~ '_checks') }} as checks
        semi join in_force
            on checks.return_id = in_force.return_id
                and checks.record_id = in_force.record_id
                and in_force.module = '{{ module }}'
        qualify row_number() over (
            partition by checks.return_id, checks.record_id
            {%- if module in placed_modules %}, checks.source_file, checks.source_row{% endif %}
        ) = 1
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

faults as (
    select
        in_force.*,
        records.record,
        records.record ->> 'about_record_id' as about_record_id,
        records.record ->> 'unread_items' as unread_items,
        records.record ->> 'unread' as unread,
        records.record ->> ('points_at_' || lower(in_force.rule_id)) as pointed_id,
        coalesce(
            records.record ->> ('found_' || lower(in_force.rule_id)), records.record ->> 'found'
        ) as told,
        records.record ->> ('beside_' || lower(in_force.rule_id)) as beside,
        row_number() over () as fault_number,
    from in_force
    inner join records
        on in_force.return_id = records.return_id
            and in_force.record_id = records.record_id
            and in_force.module = records.module
            and in_force.source_file is not distinct from records.source_file
            and in_force.source_row is not distinct from records.source_row
),

-- The values of the items that the rule names, as the record holds them.
found_values as (
    select
        faults.fault_number,
        string_agg(
            named.xml_tag || ' '
            || coalesce({{ shown('(faults.record ->> named.column_name)') }}, 'blank'),
            '; ' order by named.position
        ) as found,
    from faults
    inner join {{ ref('rule_items') }} as named on faults.rule_id = named.rule_id
    where json_exists(faults.record, '$.' || named.column_name)
    group by faults.fault_number
),

-- The item that each rule is about: the first that it names.
first_items as (
    select distinct
        named.rule_id,
        items.table_name,
        items.column_name,
    from (
        select * from {{ ref('rule_items') }}
        qualify row_number() over (partition by rule_id order by position) = 1
    ) as named
    inner join {{ ref('items') }} as items on named.xml_tag = items.xml_tag
),

-- Of the settings or needs of a request the one that is wrong about ranks: a rank that another has
-- too, else the last.
ranks as (
    {% for module, table_name, rank in ranks %}
        select
            checks.return_id,
            checks.request_id,
            checks.record_id,
            checks.{{ rank }} as rank,
            '{{ module }}' as module,
            '{{ table_name }}' as table_name,
        from {{ ref(table_name ~ '_checks') }} as checks
        semi join faults
            on checks.return_id = faults.return_id
                and checks.request_id = faults.request_id
                and faults.module = '{{ module }}'
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranks_counted as (
    select
        *,
        count(*) over (partition by return_id, request_id, table_name, rank) as same_rank_count,
    from ranks
),

ranked as (
    select * from ranks_counted
    qualify row_number() over (
        partition by return_id, request_id, table_name
        order by same_rank_count > 1 desc, rank desc nulls first, record_id desc
    ) = 1
),

-- The record that holds a fault's item, where it is not the fault's own.
pointed as (
    select
        faults.fault_number,
        faults.return_id,
        first_items.table_name,
        first_items.column_name,
        coalesce(
            faults.pointed_id,
            ranked.record_id,
            if(first_items.table_name in ('requests', 'assessment', 'named_plan', 'active_plans'),
                faults.request_id, faults.record_id)
        ) as item_record_id,
    from faults
    inner join first_items on faults.rule_id = first_items.rule_id
    left join ranked
        on faults.return_id = ranked.return_id
            and faults.request_id = ranked.request_id
            and first_items.table_name = ranked.table_name
            and faults.module = ranked.module
    where faults.module in (
        {%- for module in own_tables %}'{{ module }}'{{ ', ' if not loop.last }}{% endfor -%}
    )
),

-- The row of the extract that such an item is taken from, where it is no row of the record's own
-- table: a review's date, a dispute, a name that another system tells.
columns_elsewhere as (
    {% for module, source_table in own_tables.items() %}
        select
            table_name,
            column_name,
            source_table,
            source_column,
            bool_or(source_table = '{{ source_table }}') over (partition by column_name) as is_own,
        from {{ ref('column_items') }}
        where table_name = '{{ module }}'
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

disputes as (
    select
        _file,
        _row,
        case about when 'assess' then 'request' when 'issue' then 'assessment' else 'other' end
            as flags,
    from {{ ref('case_disputes') }}
),

item_rows as (
    select
        pointed.fault_number,
        landed._file as source_file,
        landed._row as source_row,
    from pointed
    inner join columns_elsewhere as elsewhere
        on pointed.table_name = elsewhere.table_name and pointed.column_name = elsewhere.column_name
    inner join {{ ref('record_rows') }} as landed
        on pointed.table_name = landed.table_name
            and pointed.item_record_id = landed.record_id
            and elsewhere.source_table = landed.source_table
    left join disputes
        on landed.source_table = 'disputes'
            and landed._file = disputes._file
            and landed._row = disputes._row
    where
        pointed.return_id = 'built'
        and coalesce(
            list_contains(landed.held_columns, elsewhere.source_column), not elsewhere.is_own
        )
        and coalesce(starts_with(pointed.column_name, disputes.flags), true)
    qualify row_number() over (
        partition by pointed.fault_number order by landed._file, landed._row
    ) = 1
),

item_records as (
    select
        pointed.fault_number,
        any_value(sources.source_file) as source_file,
        min(sources.source_row) as source_row,
    from pointed
    inner join {{ ref('record_sources') }} as sources
        on pointed.return_id = sources.return_id
            and pointed.table_name = sources.module
            and pointed.item_record_id = sources.record_id
    group by pointed.fault_number
),

-- A cause explains its own record, those it is a part of, and those that are parts of it, and a
-- record of another module under the same request; the record of another person only where it
-- names it.
reaches as (
    select
        *,
        'whole' as direction,
        unnest([record_id, request_id, person_id]) as reached_id,
    from faults
    union all
    select
        *,
        'part',
        record_id,
    from faults
    union all
    select
        *,
        'sibling',
        request_id,
    from faults
    where request_id is not null
    union all
    select
        * replace (null as person_id),
        unnest(['whole', 'part']),
        about_record_id,
    from faults
    where about_record_id is not null
),

effects as (
    select
        *,
        'whole' as direction,
        record_id as reached_id,
    from faults
    union all
    select
        *,
        'part',
        unnest([request_id, person_id, return_id]),
    from faults
    union all
    select
        *,
        'sibling',
        request_id,
    from faults
    where request_id is not null
),

-- What a rule follows explains it; so does a value nobody can read that leaves one of its items
-- blank.
explained as (
    select
        effects.fault_number,
        min(causes.rule_id) as follows_from,
        min(coalesce(causes.unread, causes.told)) filter (
            list_has_any(string_split(causes.unread_items, ';'), string_split(effects.items, ';'))
        ) as unread,
    from effects
    inner join reaches as causes
        on effects.return_id = causes.return_id
            and effects.direction = causes.direction
            and effects.reached_id = causes.reached_id
            and coalesce(effects.person_id = causes.person_id, true)
    where
        (
            list_contains(string_split(effects.follows, ';'), causes.rule_id)
            and (effects.direction <> 'sibling' or effects.module <> causes.module)
        )
        or (
            effects.module not in ('extract', 'file')
            and effects.direction <> 'sibling'
            and list_has_any(
                string_split(causes.unread_items, ';'), string_split(effects.items, ';')
            )
        )
    group by effects.fault_number
)

select
    faults.return_id,
    faults.rule_id,
    faults.severity,
    faults.module,
    faults.person_id,
    faults.request_id,
    faults.record_id,
    faults.items,
    coalesce(
        nullif(faults.told, ''), found_values.found, split_part(faults.items, ';', 1) || ' none'
    )
    || coalesce('; ' || nullif(faults.beside, ''), '')
    || coalesce(' (cannot be read: ' || explained.unread || ')', '') as found,
    faults.message,
    faults.fix,
    faults.likely_error,
    faults.accepted,
    explained.fault_number is null as "primary",
    {% for column in ['source_file', 'source_row'] %}
        coalesce(
            faults.{{ column }},
            item_rows.{{ column }},
            item_records.{{ column }},
            sources.{{ column }}
        ) as {{ column }},
    {% endfor %}
    explained.follows_from,
from faults
left join item_rows on faults.fault_number = item_rows.fault_number
left join item_records on faults.fault_number = item_records.fault_number
left join found_values on faults.fault_number = found_values.fault_number
left join explained on faults.fault_number = explained.fault_number
left join {{ ref('record_sources') }} as sources
    on faults.return_id = sources.return_id
        and case faults.module
            when 'file' then coalesce(faults.record ->> 'points_at_module', 'requests')
            else faults.module
        end = sources.module
        and if(
            faults.module = 'file', coalesce(faults.pointed_id, faults.record_id), faults.record_id
        ) = sources.record_id
