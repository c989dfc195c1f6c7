-- Every rule that the catalogue says is checked, in full or partly, has a column that judges it.
select
    collection_year,
    rule_id,
from {{ ref('rule_columns') }}
where (checked <> 'no') <> (rule_column is not null)
