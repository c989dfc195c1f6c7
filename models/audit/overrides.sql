-- One row per correction the authority keeps: what became of it, and why.
select
    table_name,
    key,
    column_name,
    from_value,
    to_value,
    reason,
    author,
    written_date,
    expiry_date,
    status,
    case status
        when 'applied' then 'Applied to ' || _file || ', row ' || _row || '.'
        when 'expired' then 'Not applied: it expired on ' || expiry_date || '.'
        when 'row_not_found' then 'Not applied: no row has this key.'
        when 'value_changed' then 'Not applied: the extract no longer holds the value it corrects.'
        when 'ambiguous' then 'Not applied: several rows could be meant.'
    end as status_reason,
    override_file as file,
    override_row as row,
    _file as corrected_file,
    _row as corrected_row,
from {{ ref('stg_overrides') }}
