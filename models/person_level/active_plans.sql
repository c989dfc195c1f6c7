-- One row per plan's placements, needs and reviews (DfE's ActivePlans) per return.
with

primary_placements as (
    select
        request_id,
        residential,
        work_based,
    from {{ ref('returned_placements') }}
    where is_primary
),

built as (
    select
        'built' as return_id,
        plans.person_id,
        plans.request_id,
        plans.transferred_from_la as transfer_la,
        {{ if_collected('active_plans', 'res', 'primary_placements.residential') }} as res,
        {{ if_collected('active_plans', 'wbp', 'primary_placements.work_based') }} as wbp,
        {{ if_collected('active_plans', 'review_meeting', 'reviews.meeting_date') }}
            as review_meeting,
        {{ if_collected('active_plans', 'review_outcome', 'reviews.decision') }}
            as review_outcome,
        {{ if_collected('active_plans', 'review_draft', 'reviews.draft_date') }}
            as review_draft,
        {{ if_collected(
            'active_plans', 'phase_transfer_due_date', 'transfers.phase_transfer_due_date'
        ) }} as phase_transfer_due_date,
        {{ if_collected(
            'active_plans', 'phase_transfer_final_date', 'transfers.phase_transfer_final_date'
        ) }} as phase_transfer_final_date,
        -- Where no meeting is collected, the last review is the last that was decided.
        case
            when {{ is_collected('active_plans', 'review_meeting') }} then reviews.decision_date
            else decisions.decision_date
        end as last_review,
    from {{ ref('returned_plans') }} as plans
    left join {{ ref('returned_reviews') }} as reviews on plans.request_id = reviews.request_id
    left join {{ ref('returned_phase_transfers') }} as transfers
        on plans.request_id = transfers.request_id
    left join {{ ref('last_review_decisions') }} as decisions
        on plans.request_id = decisions.request_id
    left join primary_placements on plans.request_id = primary_placements.request_id
),

imported as (
    select
        * replace (
            {{ date_of('review_meeting') }} as review_meeting,
            {{ date_of('review_draft') }} as review_draft,
            {{ date_of('phase_transfer_due_date') }} as phase_transfer_due_date,
            {{ date_of('phase_transfer_final_date') }} as phase_transfer_final_date,
            {{ date_of('last_review') }} as last_review,
        ),
    from {{ source('imported', 'active_plans') }}
)

select * from built
union all by name
select * from imported
