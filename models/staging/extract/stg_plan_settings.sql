-- One row per landed row of plan_settings: one setting named in a plan. Typed; nothing dropped.
select
    {{ text('plan_id') }} as plan_id,
    {{ text('rank') }} as rank,
    {{ text('urn') }} as urn,
    {{ text('ukprn') }} as ukprn,
    {{ text('setting') }} as setting,
    {{ text('setting_note') }} as setting_note,
    {{ text('sen_unit') }} as sen_unit,
    {{ text('resourced_provision') }} as resourced_provision,
    _source,
    _file,
    _row,
from {{ corrected('plan_settings') }}
