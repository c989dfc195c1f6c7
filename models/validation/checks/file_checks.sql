-- One row per return, per request and per fault met in reading a file: the rules on what it may
-- hold.
{% set parts = {
    'assessment': 'Assessment',
    'named_plan': 'NamedPlan',
    'plan_detail': 'PlanDetail',
    'active_plans': 'ActivePlans',
    'sen_need': 'SENneed',
} %}
with

returns as (
    select * from {{ ref('returns') }}
),

requests as (
    select * from {{ ref('requests') }}
),

xml_structure as (
    select * from {{ ref('xml_structure') }}
),

items as (
    select * from {{ ref('items') }}
),

-- What the reader of XML met, line by line.
structure_faults as (
    select
        faults.return_id,
        faults.person_id,
        null as request_id,
        faults.return_id || ' fault ' || row_number() over (
            partition by faults.return_id order by faults.line, faults.rule_id, faults.element
        ) as record_id,
        concat_ws(' ', faults.element, faults.message) as found,
        faults.element,
        nullif(replace(faults.message, 'has no ', ''), faults.message) as missing_part,
        faults.rule_id = 'F01' as has_wrong_structure,
        faults.rule_id = 'F02' as has_uncollected_item,
        faults.rule_id = 'F04' as has_wrong_value,
        false as has_too_many_parts,
        coalesce(faults.source_file, files.source_file) as source_file,
        faults.line as source_row,
    from {{ source('imported', 'structure_faults') }} as faults
    left join {{ source('imported', 'files') }} as files
        on faults.return_id = files.return_id
),

-- The items that a fault leaves blank, one or those of a part of the header that is missing, and
-- the record they are items of: the last that begins before.
faults_of_items as (
    select
        faults.return_id,
        faults.record_id,
        items.xml_tag as unread_items,
        items.table_name as module,
        faults.source_row as line,
    from structure_faults as faults
    inner join returns on faults.return_id = returns.return_id
    inner join items
        on returns.collection_year between items.year_from and items.year_to
            and (
                lower(faults.element) = lower(items.xml_tag)
                or items.table_name = 'sen2' and contains(items.module, faults.missing_part)
            )
),

lines as (
    select
        return_id,
        module,
        record_id,
        line,
    from {{ source('imported', 'record_lines') }}
),

located_faults as (
    select
        faults_of_items.return_id,
        faults_of_items.record_id,
        string_agg(distinct faults_of_items.unread_items, ';' order by faults_of_items.unread_items)
            as unread_items,
        max_by(lines.record_id, lines.line) as about_record_id,
    from faults_of_items
    left join lines
        on faults_of_items.return_id = lines.return_id
            and faults_of_items.module = lines.module
            and faults_of_items.line >= lines.line
    group by faults_of_items.return_id, faults_of_items.record_id
),

-- The items that are filled in a year that does not collect them, where no line tells it.
uncollected_items as (
    select
        filled.return_id,
        array_to_string(
            list(
                filled.table_name || '.' || filled.column_name || ' in ' || filled.filled_rows
                || ' rows'
                order by filled.table_name, filled.column_name
            )[:5],
            '; '
        ) as found,
    from {{ ref('filled_items') }} as filled
    inner join returns on filled.return_id = returns.return_id
    left join items
        on filled.table_name = items.table_name
            and filled.column_name = items.column_name
            and returns.collection_year between items.year_from and items.year_to
    where
        filled.filled_rows > 0
        and items.column_name is null
        and filled.return_id not in (
            select faulty.return_id from structure_faults as faulty
            where faulty.has_uncollected_item
        )
    group by filled.return_id
),

-- How many parts of each kind a request has, and how many it may have in the return's year.
parts as (
    {% for table_name, element in parts.items() %}
        select
            return_id,
            request_id,
            '{{ element }}' as element,
        from {{ ref(table_name) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

part_counts as (
    select
        return_id,
        request_id,
        {% for table_name, element in parts.items() %}
            count(*) filter (element = '{{ element }}') as {{ table_name }}_count,
        {% endfor %}
    from parts
    group by return_id, request_id
),

most_parts as (
    select
        returns.return_id,
        {% for table_name, element in parts.items() %}
            max(try_cast(xml_structure.max_occurs as integer))
                filter (xml_structure.element = '{{ element }}') as most_{{ table_name }},
        {% endfor %}
    from returns
    inner join xml_structure
        on returns.collection_year between xml_structure.year_from and xml_structure.year_to
    group by returns.return_id
),

parts_of_requests as (
    select
        requests.return_id,
        requests.person_id,
        requests.request_id,
        {% for table_name, element in parts.items() %}
            part_counts.{{ table_name }}_count > most_parts.most_{{ table_name }}
            {{ 'or' if not loop.last else 'as has_too_many_parts,' }}
        {% endfor %}
        concat_ws(
            '; ',
            {% for table_name, element in parts.items() %}
                if(
                    part_counts.{{ table_name }}_count > most_parts.most_{{ table_name }},
                    '{{ element }} ' || part_counts.{{ table_name }}_count || ' where at most '
                    || most_parts.most_{{ table_name }} || ' may be',
                    null
                ){{ ',' if not loop.last }}
            {% endfor %}
        ) as found,
        -- The last of the settings or needs is the one too many.
        case
            {% for table_name in ['plan_detail', 'sen_need'] %}
                when part_counts.{{ table_name }}_count > most_parts.most_{{ table_name }}
                    then '{{ table_name }}'
            {% endfor %}
        end as points_at_module,
        requests.request_id || '/' || case points_at_module
            when 'plan_detail' then part_counts.plan_detail_count
            when 'sen_need' then part_counts.sen_need_count
        end as points_at_f03,
    from requests
    inner join returns on requests.return_id = returns.return_id
    left join most_parts on requests.return_id = most_parts.return_id
    left join part_counts
        on requests.return_id = part_counts.return_id
            and requests.request_id = part_counts.request_id
),

records as (
    select
        returns.return_id,
        null as person_id,
        null as request_id,
        returns.return_id as record_id,
        uncollected_items.found,
        uncollected_items.return_id is not null as has_uncollected_item,
    from returns
    left join uncollected_items on returns.return_id = uncollected_items.return_id
    union all by name
    select
        structure_faults.* exclude (element, missing_part),
        located_faults.unread_items,
        coalesce(
            located_faults.about_record_id,
            structure_faults.person_id,
            if(located_faults.unread_items is not null, structure_faults.return_id, null)
        ) as about_record_id,
    from structure_faults
    left join located_faults
        on structure_faults.return_id = located_faults.return_id
            and structure_faults.record_id = located_faults.record_id
    union all by name
    select
        *,
        request_id as record_id,
    from parts_of_requests
),

judged as (
    select
        return_id,
        person_id,
        request_id,
        record_id,
        found,
        source_file,
        source_row,
        unread_items,
        about_record_id,
        points_at_module,
        points_at_f03,

        -- the file is not well formed, or its parts are not those of the year, or not in its order
        has_wrong_structure as rule_f01,

        -- an item that the year does not collect is filled
        has_uncollected_item as rule_f02,

        -- there are more parts of one kind than the year's structure allows
        has_too_many_parts as rule_f03,

        -- a value is not of the kind that its item holds
        has_wrong_value as rule_f04,
    from records
)

{{ settled('judged') }}
