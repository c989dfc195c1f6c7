-- One row per landed row of requests: one request for an EHC needs assessment. Typed; nothing
-- dropped.
select
    {{ text('request_id') }} as request_id,
    {{ text('person_id') }} as person_id,
    {{ date_of('received_date') }} as received_date,
    {{ unread_date('received_date') }} as received_date_raw,
    {{ text('source') }} as source,
    {{ text('in_youth_accommodation') }} as in_youth_accommodation,
    {{ text('decision') }} as decision,
    {{ date_of('decision_date') }} as decision_date,
    {{ unread_date('decision_date') }} as decision_date_raw,
    {{ date_of('withdrawn_date') }} as withdrawn_date,
    {{ unread_date('withdrawn_date') }} as withdrawn_date_raw,
    {{ text('moved_to_la') }} as moved_to_la,
    {{ date_of('moved_date') }} as moved_date,
    {{ unread_date('moved_date') }} as moved_date_raw,
    _source,
    _file,
    _row,
from {{ corrected('requests') }}
