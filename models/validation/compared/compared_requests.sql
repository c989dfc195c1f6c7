-- One row per request of a return that is compared: its case as it stood on the return's survey
-- day.
with

returns as (
    select earlier_return_id as return_id,
    from {{ ref('compared_returns') }}
    union
    select later_return_id,
    from {{ ref('compared_returns') }}
),

cases as (
    select
        records.*,
        coalesce(records.assessment_outcome_word, records.request_outcome_word) as last_word,
    from {{ ref('case_records') }} as records
    inner join returns on records.return_id = returns.return_id
)

select
    return_id,
    person_id,
    request_id,
    received_date,
    request_outcome_date,
    assessment_outcome_date,
    start_date,
    cease_date,
    review_meeting,
    has_named_plan as has_plan,
    transfer_la is not null as is_transferred_in,
    is_plan_active as is_active,
    -- undecided, or decided to issue a plan that is not there yet
    not has_named_plan
    and not is_moved_away
    and coalesce(last_word in ('undecided', 'agreed', 'issued'), false) as is_open,
    case
        when has_named_plan then cease_date
        when last_word = 'refused' and has_assessment then assessment_outcome_date
        when last_word = 'refused' then request_outcome_date
    end as concluded_date,
from cases
