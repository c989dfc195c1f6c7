-- A rule says what it needs exactly when it is not fully checked.
select
    rule_id,
    checked,
    needs,
from {{ ref('rules') }}
where (checked = 'yes') <> (needs is null)
