-- One row per case of a return whose plan came from another authority, now or before the period.
-- An imported return says so of the period only.
select
    'built' as return_id,
    person_id,
    request_id,
from {{ ref('case_plans') }}
where is_transferred_in
union all
select distinct
    return_id,
    person_id,
    request_id,
from {{ source('imported', 'active_plans') }}
where transfer_la is not null
