-- One row per pair of returns and two records that may be one person and were not joined.
with

pairs as (
    select * from {{ ref('compared_returns') }}
),

matches as (
    select * from {{ ref('compared_matches') }}
),

-- The keys of the people of either return, and whether they are joined.
sides as (
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        'earlier' as side,
        keys.*,
        matches.earlier_person_id is not null as is_joined,
    from pairs
    inner join {{ ref('compared_keys') }} as keys on pairs.earlier_return_id = keys.return_id
    left join matches
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
        matches.later_person_id is not null,
    from pairs
    inner join {{ ref('compared_keys') }} as keys on pairs.later_return_id = keys.return_id
    left join matches
        on pairs.earlier_return_id = matches.earlier_return_id
            and pairs.later_return_id = matches.later_return_id
            and keys.person_id = matches.later_person_id
    where keys.agrees_on <> 'person id' or pairs.has_common_ids
),

-- Who has a key in the other return: one of them stands for all, so that a number which hundreds
-- have costs one row each. What joins nobody counts only between people who are not joined.
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
    where may_join or not is_joined
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
            when own.people_with_key > 1 or others.person_count > 1
                then 'more than one person has the same ' || own.agrees_on
            when not own.may_join then 'only ' || own.agrees_on || ' agree'
            when others.is_joined then 'the other is joined to somebody else'
            else 'the names and the date of birth are others'
        end as reason,
    from sides as own
    inner join holders as others
        on own.earlier_return_id = others.earlier_return_id
            and own.later_return_id = others.later_return_id
            and own.side <> others.side
            and own.step = others.step
            and own.key_value = others.key_value
    where not own.is_joined
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
