-- One row per landed row of reviews: one annual review of a plan. Typed; nothing dropped.
select
    {{ text('plan_id') }} as plan_id,
    {{ date_of('meeting_date') }} as meeting_date,
    {{ unread_date('meeting_date') }} as meeting_date_raw,
    {{ text('decision') }} as decision,
    {{ date_of('decision_date') }} as decision_date,
    {{ unread_date('decision_date') }} as decision_date_raw,
    {{ date_of('draft_date') }} as draft_date,
    {{ unread_date('draft_date') }} as draft_date_raw,
    {{ date_of('phase_transfer_due_date') }} as phase_transfer_due_date,
    {{ unread_date('phase_transfer_due_date') }} as phase_transfer_due_date_raw,
    {{ date_of('phase_transfer_final_date') }} as phase_transfer_final_date,
    {{ unread_date('phase_transfer_final_date') }} as phase_transfer_final_date_raw,
    _source,
    _file,
    _row,
from {{ corrected('reviews') }}
