-- One row per landed row of needs: one type of need of a plan. Typed; nothing dropped.
select
    {{ text('plan_id') }} as plan_id,
    {{ text('rank') }} as rank,
    {{ text('need') }} as need,
    _source,
    _file,
    _row,
from {{ corrected('needs') }}
