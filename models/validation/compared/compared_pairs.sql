-- One row per return that stands beside an earlier one: the pairs that every build compares.
select
    return_before as earlier_return_id,
    return_id as later_return_id,
from {{ ref('returns_compared') }}
where return_before is not null
