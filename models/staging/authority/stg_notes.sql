-- One row per note the authority keeps: an explanation of a query. Typed; nothing dropped.
select
    rule_id,
    record_id,
    {{ text('found') }} as found,
    {{ text('text') }} as note_text,
    author,
    {{ date_of('date') }} as written_date,
    {{ date_of('expiry') }} as expiry_date,
    {{ text('kind') }} as kind,
    {{ text('agreed_by') }} as agreed_by,
    {{ date_of('agreed_date') }} as agreed_date,
    _file,
    _row,
from {{ source('raw', 'notes') }}
