-- One row per pair of returns and change of a person, a case, a date or a setting.
with

changes as (
    select
        * exclude (matched_by, state, reason),
        state as kind,
        state = 'appeared_with_history' as is_rewritten,
        reason as detail,
    from {{ ref('compared_people') }}
    where state <> 'in_both'
    union all by name
    select * from {{ ref('compared_plans') }}
    union all by name
    select *, true as is_rewritten from {{ ref('compared_dates') }}
    union all by name
    select * from {{ ref('compared_settings') }}
    union all by name
    select * from {{ ref('compared_identities') }}
)

select
    earlier_return_id,
    later_return_id,
    earlier_person_id,
    later_person_id,
    earlier_request_id,
    later_request_id,
    kind,
    coalesce(is_rewritten, false) as is_rewritten,
    item,
    earlier_value,
    later_value,
    detail,
from changes
