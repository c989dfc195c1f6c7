-- One row per pair of returns and two records that may be one person and were not joined.
with

pairs as (
    select * from {{ ref('compared_returns') }}
),

matches as (
    select * from {{ ref('compared_matches') }}
),

keys as (
    select * from {{ ref('compared_keys') }}
),

-- The keys of the people of either return who are not joined.
unjoined as (
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        'earlier' as side,
        keys.*,
    from pairs
    inner join keys on pairs.earlier_return_id = keys.return_id
    anti join matches
        on pairs.earlier_return_id = matches.earlier_return_id
            and pairs.later_return_id = matches.later_return_id
            and keys.person_id = matches.earlier_person_id
    where keys.agrees_on <> 'person id' or pairs.has_common_ids
    union all
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        'later',
        keys.*,
    from pairs
    inner join keys on pairs.later_return_id = keys.return_id
    anti join matches
        on pairs.earlier_return_id = matches.earlier_return_id
            and pairs.later_return_id = matches.later_return_id
            and keys.person_id = matches.later_person_id
    where keys.agrees_on <> 'person id' or pairs.has_common_ids
),

-- Theirs, and the same keys of people who are joined: what joins nobody counts only between people
-- who are not.
sides as (
    select *, false as is_joined from unjoined
    union all
    select
        matches.earlier_return_id,
        matches.later_return_id,
        'earlier',
        keys.*,
        true,
    from keys
    inner join matches
        on keys.return_id = matches.earlier_return_id and keys.person_id = matches.earlier_person_id
    semi join unjoined on keys.step = unjoined.step and keys.key_value = unjoined.key_value
    where keys.may_join
    union all
    select
        matches.earlier_return_id,
        matches.later_return_id,
        'later',
        keys.*,
        true,
    from keys
    inner join matches
        on keys.return_id = matches.later_return_id and keys.person_id = matches.later_person_id
    semi join unjoined on keys.step = unjoined.step and keys.key_value = unjoined.key_value
    where keys.may_join
),

-- Who has a key in a return: one stands for all, so that a number that hundreds have costs one row
-- each.
holders as (
    select
        earlier_return_id,
        later_return_id,
        side,
        step,
        key_value,
        coalesce(min(person_id) filter (not is_joined), min(person_id)) as person_id,
        count(*) as person_count,
        bool_and(is_joined) as is_joined,
    from sides
    group by all
),

doubts as (
    select
        own.earlier_return_id,
        own.later_return_id,
        case own.side when 'earlier' then own.person_id else others.person_id end
            as earlier_person_id,
        case own.side when 'later' then own.person_id else others.person_id end
            as later_person_id,
        own.step,
        own.agrees_on,
        case
            when same.person_count > 1 or others.person_count > 1
                then 'more than one person has the same ' || own.agrees_on
            when not own.may_join then 'only ' || own.agrees_on || ' agree'
            when others.is_joined then 'the other is joined to somebody else'
            else 'the names and the date of birth are others'
        end as reason,
    from unjoined as own
    inner join holders as same
        on own.earlier_return_id = same.earlier_return_id
            and own.later_return_id = same.later_return_id
            and own.side = same.side
            and own.step = same.step
            and own.key_value = same.key_value
    inner join holders as others
        on own.earlier_return_id = others.earlier_return_id
            and own.later_return_id = others.later_return_id
            and own.side <> others.side
            and own.step = others.step
            and own.key_value = others.key_value
    qualify row_number() over (
        partition by own.earlier_return_id, own.later_return_id, own.side, own.person_id
        order by own.step
    ) = 1
)

select
    earlier_return_id,
    later_return_id,
    earlier_person_id,
    later_person_id,
    agrees_on,
    reason,
from doubts
qualify row_number() over (
    partition by earlier_return_id, later_return_id, earlier_person_id, later_person_id
    order by step, reason
) = 1
