-- One row per landed row of establishments: one establishment. Typed; nothing dropped.
select
    {{ text('urn') }} as urn,
    {{ text('ukprn') }} as ukprn,
    {{ text('name') }} as name,
    {{ text('type_code') }} as type_code,
    {{ text('status_code') }} as status_code,
    {{ date_of('open_date') }} as open_date,
    {{ unread_date('open_date') }} as open_date_raw,
    {{ date_of('close_date') }} as close_date,
    {{ unread_date('close_date') }} as close_date_raw,
    {{ text('has_sen_unit') }} as has_sen_unit,
    {{ text('has_resourced_provision') }} as has_resourced_provision,
    _source,
    _file,
    _row,
from {{ source('raw', 'establishments') }}
