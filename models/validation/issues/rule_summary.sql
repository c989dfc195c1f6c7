-- One row per rule in force per return, also where nothing was found.
with

records as (
    {% for module in check_modules() %}
        select
            return_id,
            '{{ module }}' as module,
            count(*) as records_checked,
        from {{ ref(module ~ '_checks') }}
        group by return_id
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

faults as (
    select
        return_id,
        rule_id,
        count(*) as issue_count,
        count(*) filter ("primary") as primary_issue_count,
        count(distinct person_id) as person_count,
    from {{ ref('issues') }}
    group by return_id, rule_id
)

select
    returns.return_id,
    returns.collection_year,
    rules.rule_id,
    rules.severity,
    rules.module,
    rules.message,
    rules.dfe_number,
    rules.origin,
    rules.likely_error,
    rules.accepted,
    rules.severity_reason,
    case
        when rules.rule_column is null then 'not checked'
        when rules.checked = 'partly' then 'partly checked'
        else 'checked'
    end as status,
    rules.needs,
    case when rules.rule_column is not null then coalesce(records.records_checked, 0) end
        as records_checked,
    case when rules.rule_column is not null then coalesce(faults.issue_count, 0) end
        as issue_count,
    case when rules.rule_column is not null then coalesce(faults.primary_issue_count, 0) end
        as primary_issue_count,
    case when rules.rule_column is not null then coalesce(faults.person_count, 0) end
        as person_count,
from {{ ref('returns') }} as returns
inner join {{ ref('rule_columns') }} as rules
    on returns.collection_year = rules.collection_year
left join records
    on returns.return_id = records.return_id and rules.module = records.module
left join faults
    on returns.return_id = faults.return_id and rules.rule_id = faults.rule_id
