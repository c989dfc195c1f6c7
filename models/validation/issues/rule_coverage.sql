-- One row per collection year and module: how many of its rules in force are checked.
select
    collection_year,
    module,
    count(*) as rules_in_force,
    count(*) filter (rule_column is not null and checked = 'yes') as rules_checked,
    count(*) filter (rule_column is not null and checked = 'partly') as rules_partly_checked,
    count(*) filter (rule_column is null) as rules_not_checked,
    string_agg(rule_id, ';' order by rule_id) filter (rule_column is null) as not_checked,
from {{ ref('rule_columns') }}
group by collection_year, module
