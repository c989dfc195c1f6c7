-- One row per pair of returns and two records, one of each, that are one person.
with

pairs as (
    select * from {{ ref('compared_returns') }}
),

-- Keys that one person of a return has alone.
own_keys as (
    select
        return_id,
        step,
        key_value,
        any_value(agrees_on) as agrees_on,
        any_value(person_id) as person_id,
        any_value(person_birth_date) as person_birth_date,
        any_value(surname) as surname,
        any_value(forename) as forename,
    from {{ ref('compared_keys') }}
    where may_join
    group by return_id, step, key_value
    having count(*) = 1
),

-- Whoever has another surname, another forename and another date of birth is somebody else,
-- whatever identifier says otherwise.
candidates as (
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        earlier.person_id as earlier_person_id,
        later.person_id as later_person_id,
        earlier.step,
        earlier.agrees_on as matched_by,
    from pairs
    inner join own_keys as earlier on pairs.earlier_return_id = earlier.return_id
    inner join own_keys as later
        on pairs.later_return_id = later.return_id
            and earlier.step = later.step
            and earlier.key_value = later.key_value
    where
        (earlier.agrees_on <> 'person id' or pairs.has_common_ids)
        and (
            coalesce(earlier.person_birth_date = later.person_birth_date, true)
            or coalesce(earlier.surname = later.surname, true)
            or coalesce(earlier.forename = later.forename, true)
        )
)

-- Two are joined when each is the strongest candidate of the other.
select
    earlier_return_id,
    later_return_id,
    earlier_person_id,
    later_person_id,
    matched_by,
from candidates
qualify
    step = min(step) over (partition by earlier_return_id, later_return_id, earlier_person_id)
    and step = min(step) over (partition by earlier_return_id, later_return_id, later_person_id)
