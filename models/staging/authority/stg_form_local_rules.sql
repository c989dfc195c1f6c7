-- One row per rule of the authority's own for its aggregated form. Typed; nothing dropped.
select
    try_cast(position as integer) as position,
    setting,
    {{ text('setting_note') }} as setting_note,
    {{ text('school_age') }} as school_age,
    placement,
    reason,
    _file,
    _row,
from {{ source('raw', 'form_local_rules') }}
