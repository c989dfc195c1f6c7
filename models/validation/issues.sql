-- One row per fault: a record, and a rule of its return's year that it breaks.
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
            rule_column,
        from (
            select
                return_id,
                person_id,
                request_id,
                record_id,
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
            to_json(checks) as record,
        from {{ ref(module ~ '_checks') }} as checks
        semi join in_force
            on checks.return_id = in_force.return_id
                and checks.record_id = in_force.record_id
                and in_force.module = '{{ module }}'
        qualify row_number() over (partition by checks.return_id, checks.record_id) = 1
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- The values of the items that the rule names, as the record holds them.
found_values as (
    select
        in_force.return_id,
        in_force.record_id,
        in_force.rule_id,
        string_agg(
            named.xml_tag || ' '
            || coalesce({{ shown('(records.record ->> named.column_name)') }}, 'blank'),
            '; ' order by named.position
        ) as found,
    from in_force
    inner join {{ ref('rule_items') }} as named on in_force.rule_id = named.rule_id
    inner join records
        on in_force.return_id = records.return_id
            and in_force.record_id = records.record_id
            and in_force.module = records.module
    where json_exists(records.record, '$.' || named.column_name)
    group by in_force.return_id, in_force.record_id, in_force.rule_id
),

-- A rule that explains this one fires on the same record, or on a part of it.
causes as (
    select
        return_id,
        rule_id,
        unnest([record_id, request_id]) as record_id,
    from in_force
),

explained as (
    select distinct
        effect.return_id,
        effect.record_id,
        effect.rule_id,
    from in_force as effect
    inner join causes
        on effect.return_id = causes.return_id
            and effect.record_id = causes.record_id
            and list_contains(string_split(effect.follows, ';'), causes.rule_id)
)

select
    in_force.return_id,
    in_force.rule_id,
    in_force.severity,
    in_force.module,
    in_force.person_id,
    in_force.request_id,
    in_force.record_id,
    in_force.items,
    coalesce(records.record ->> 'found', found_values.found) as found,
    in_force.message,
    in_force.fix,
    in_force.likely_error,
    in_force.accepted,
    explained.rule_id is null as "primary",
    coalesce(records.record ->> 'source_file', sources.source_file) as source_file,
    coalesce((records.record ->> 'source_row')::bigint, sources.source_row) as source_row,
from in_force
inner join records
    on in_force.return_id = records.return_id
        and in_force.record_id = records.record_id
        and in_force.module = records.module
left join found_values
    on in_force.return_id = found_values.return_id
        and in_force.record_id = found_values.record_id
        and in_force.rule_id = found_values.rule_id
left join explained
    on in_force.return_id = explained.return_id
        and in_force.record_id = explained.record_id
        and in_force.rule_id = explained.rule_id
left join {{ ref('record_sources') }} as sources
    on in_force.return_id = sources.return_id
        and case in_force.module when 'file' then 'requests' else in_force.module end
        = sources.module
        and in_force.record_id = sources.record_id
