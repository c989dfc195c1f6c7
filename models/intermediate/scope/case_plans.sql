-- One row per accepted plan: the request it hangs from, a historical one of its own if it has none.
with

plans as (
    {{ accepted('plans') }}
),

requests as (
    {{ accepted('requests') }}
),

-- The request a plan names is its own only if it is there and is the same person's.
named_requests as (
    select
        plans.*,
        case
            when plans.request_id is null then null
            when requests.request_id is null then 'unknown'
            when requests.person_id <> plans.person_id then 'other_person'
        end as request_fault,
    from plans
    left join requests on plans.request_id = requests.request_id
),

-- Of several plans that name one request, the earliest start keeps it.
claims as (
    select
        *,
        row_number() over (
            partition by request_id, request_fault
            order by start_date nulls last, _file, _row
        ) as place,
        count(*) over (partition by request_id, request_fault) as claimants,
    from named_requests
)

select
    plan_id,
    person_id,
    case
        when request_id is not null and request_fault is null and place = 1 then request_id
        else 'plan:' || plan_id
    end as request_id,
    request_id as named_request_id,
    request_fault,
    request_id is null or request_fault is not null or place > 1 as is_own_request,
    request_id is not null and request_fault is null and claimants > 1 as is_request_shared,
    coalesce(transferred_from_la, transferred_date::varchar, transferred_date_raw) is not null
        as is_transferred_in,
    start_date,
    transferred_from_la,
    transferred_date,
    cease_date,
    cease_reason,
    residential,
    work_based,
    personal_budget,
    organised_arrangements,
    direct_payments,
    _file,
    _row,
from claims
