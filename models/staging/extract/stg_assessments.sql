-- One row per landed row of assessments: one assessment of a request. Typed; nothing dropped.
select
    {{ text('request_id') }} as request_id,
    {{ text('decision') }} as decision,
    {{ date_of('decision_date') }} as decision_date,
    {{ unread_date('decision_date') }} as decision_date_raw,
    {{ date_of('withdrawn_date') }} as withdrawn_date,
    {{ unread_date('withdrawn_date') }} as withdrawn_date_raw,
    {{ text('twenty_week_exception') }} as twenty_week_exception,
    {{ date_of('issue_decided_date') }} as issue_decided_date,
    {{ unread_date('issue_decided_date') }} as issue_decided_date_raw,
    {{ date_of('agreed_date') }} as agreed_date,
    {{ unread_date('agreed_date') }} as agreed_date_raw,
    _source,
    _file,
    _row,
from {{ corrected('assessments') }}
