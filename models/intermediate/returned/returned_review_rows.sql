-- One row per row of reviews and part of a plan's review items that is returned from it.
{% set review_columns = ['meeting_date', 'decision', 'draft_date', 'decision_date'] %}
select
    request_id,
    _file,
    _row,
    -- Where no meeting is collected, the decision date is that of the review decided last.
    case
        when {{ is_collected('active_plans', 'review_meeting') }} then {{ review_columns }}
        else {{ review_columns[:-1] }}
    end as held_columns,
from {{ ref('returned_reviews') }}
union all
select
    request_id,
    _file,
    _row,
    ['decision_date'],
from {{ ref('last_review_decisions') }}
where not {{ is_collected('active_plans', 'review_meeting') }}
union all
select
    request_id,
    _file,
    _row,
    ['phase_transfer_due_date', 'phase_transfer_final_date'],
from {{ ref('returned_phase_transfers') }}
