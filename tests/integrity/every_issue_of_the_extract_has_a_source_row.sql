-- Every issue on a record of the built return points at the row of the extract it came from.
select
    rule_id,
    record_id,
from {{ ref('issues') }}
where
    return_id = 'built'
    and module not in ('header', 'return', 'form', 'figures')
    and not (module = 'file' and person_id is null)
    and source_row is null
