-- One row per rule and collection year in force: the checks model and column that judge it, if any.
{% for module in check_modules() %}
    -- depends_on: {{ ref(module ~ '_checks') }}
{% endfor %}
with

-- DfE's numbers that the authority has confirmed, from a workbook that may not be shipped.
confirmed as (
    select
        rule_id,
        string_agg(dfe_number, ', ' order by dfe_number) as dfe_number,
    from {{ ref('dfe_numbers') }}
    group by rule_id
),

rules as (
    select
        collections.collection_year,
        rules.* replace (
            coalesce(confirmed.dfe_number, rules.dfe_number) as dfe_number,
            coalesce(local_severities.severity, rules.severity) as severity,
            rules.likely_error and local_severities.rule_id is null as likely_error
        ),
        accepted.accepted,
        local_severities.reason || ' (' || local_severities.author || ', '
        || local_severities.date || ')' as severity_reason,
    from {{ ref('rules') }} as rules
    left join confirmed on rules.rule_id = confirmed.rule_id
    left join {{ ref('rule_severities') }} as local_severities
        on rules.rule_id = local_severities.rule_id
    left join {{ ref('rules_accepted') }} as accepted on rules.rule_id = accepted.rule_id
    inner join {{ ref('collections') }} as collections
        on collections.collection_year between rules.year_from and rules.year_to
),

-- What the checks models hold: rule_r11, or rule_r11__from_2026 for logic that is new that year.
checked_columns as (
    select
        replace(table_name, '_checks', '') as module,
        column_name as rule_column,
        upper(regexp_extract(column_name, '^rule_([a-z]+[0-9]+)', 1)) as rule_id,
        coalesce(try_cast(regexp_extract(column_name, '__from_([0-9]{4})$', 1) as integer), 0)
            as from_year,
    from information_schema.columns
    where
        table_schema = 'validation'
        and table_name like '%\_checks' escape '\'
        and starts_with(column_name, 'rule_')
)

select
    rules.*,
    checked_columns.rule_column,
from rules
left join checked_columns
    on rules.rule_id = checked_columns.rule_id
        and rules.module = checked_columns.module
        and rules.collection_year >= checked_columns.from_year
qualify row_number() over (
    partition by rules.collection_year, rules.rule_id
    order by checked_columns.from_year desc nulls last
) = 1
