-- Every rule column of a checks model is a rule of that module in the catalogue.
{% for module in check_modules() %}
    -- depends_on: {{ ref(module ~ '_checks') }}
{% endfor %}
select
    table_name,
    column_name,
from information_schema.columns
where
    table_schema = 'validation'
    and starts_with(column_name, 'rule_')
    and table_name like '%\_checks' escape '\'
    and (upper(regexp_extract(column_name, '^rule_([a-z]+[0-9]+)', 1)), table_name) not in (
        select
            rule_id,
            module || '_checks',
        from {{ ref('rules') }}
    )
