-- One row per correction the authority keeps: the landed row it is about, and whether it applies.
with

overrides as (
    select
        table_name,
        key,
        column_name,
        {{ text('"from"') }} as from_value,
        {{ text('"to"') }} as to_value,
        reason,
        author,
        {{ date_of('date') }} as written_date,
        {{ date_of('expiry') }} as expiry_date,
        _file as override_file,
        _row as override_row,
    from {{ source('raw', 'overrides') }}
),

settings as (
    select extracted_on from {{ source('audit', 'extract_settings') }}
),

-- The landed rows that have a correction's key, with what its column holds.
keyed as (
    {% for table_name, table in contract_tables().items() %}
        select
            overrides.override_row,
            overrides.from_value,
            {{ table.is_unique }} as is_key_unique,
            landed._file,
            landed._row,
            case overrides.column_name
                {% for column in table.columns %}
                    when '{{ column }}' then landed.{{ column }}
                {% endfor %}
            end as held,
        from overrides
        inner join (
            {% if table.ids %}
                select
                    landed.*,
                    {% if table.other_key %}
                        case
                            when trim(landed.{{ table.key }}) <> '' then {{ own_id(table.key) }}
                            else {{ own_id(table.other_key) }}
                        end as own_key,
                    {% else %}
                        {{ own_id(table.key) }} as own_key,
                    {% endif %}
                from {{ source('raw', table_name) }} as landed
                left join {{ source('audit', 'sources') }} as sources
                    on landed._source = sources.source
            {% else %}
                select *, {{ table.key }} as own_key from {{ source('raw', table_name) }}
            {% endif %}
        ) as landed on overrides.key = landed.own_key
        where overrides.table_name = '{{ table_name }}'
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

compared as (
    select
        *,
        coalesce({{ text('held') }}, '') = coalesce(from_value, '') as is_as_expected,
    from keyed
),

matches as (
    select
        override_row,
        is_key_unique and count(*) > 1 as is_key_repeated,
        count(*) filter (is_as_expected) as rows_as_expected,
        any_value(_file) filter (is_as_expected) as _file,
        any_value(_row) filter (is_as_expected) as _row,
    from compared
    group by override_row, is_key_unique
),

judged as (
    select
        overrides.override_row,
        case
            when overrides.expiry_date < (select settings.extracted_on from settings) then 'expired'
            when matches.override_row is null then 'row_not_found'
            when matches.is_key_repeated then 'ambiguous'
            when matches.rows_as_expected = 0 then 'value_changed'
            when matches.rows_as_expected > 1 then 'ambiguous'
            else 'applied'
        end as status,
    from overrides
    left join matches on overrides.override_row = matches.override_row
)

select
    overrides.table_name,
    overrides.key,
    overrides.column_name,
    overrides.from_value,
    overrides.to_value,
    overrides.reason,
    overrides.author,
    overrides.written_date,
    overrides.expiry_date,
    judged.status,
    overrides.override_file,
    overrides.override_row,
    case when judged.status = 'applied' then matches._file end as _file,
    case when judged.status = 'applied' then matches._row end as _row,
from overrides
inner join judged on overrides.override_row = judged.override_row
left join matches on overrides.override_row = matches.override_row
