-- One row per landed row of disputes: one mediation meeting or appeal. Typed; nothing dropped.
select
    {{ text('request_id') }} as request_id,
    {{ text('plan_id') }} as plan_id,
    {{ text('kind') }} as kind,
    {{ text('about') }} as about,
    {{ date_of('dispute_date') }} as dispute_date,
    {{ unread_date('dispute_date') }} as dispute_date_raw,
    _source,
    _file,
    _row,
from {{ corrected('disputes') }}
