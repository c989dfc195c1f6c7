-- One row per pair of people of two sources that a step or a decision speaks of: what became of it.
-- A person is matched with at most one of each other source, and two of one source never become
-- one.
with recursive

pairs as (
    select
        coalesce(pairs.person_id, decisions.person_id) as person_id,
        coalesce(pairs.other_person_id, decisions.other_person_id) as other_person_id,
        coalesce(pairs.of_source, decisions.of_source) as of_source,
        coalesce(pairs.other_source, decisions.other_source) as other_source,
        pairs.step,
        pairs.score,
        coalesce(pairs.words, 'nothing that a step speaks of') as words,
        coalesce(decisions.decision, 'none') as decision,
        case decisions.decision
            when 'same' then 'match'
            when 'different' then 'apart'
            else pairs.verdict
        end as verdict,
        -- A decision goes before any step.
        case when decisions.decision = 'same' then 1000 else pairs.score end as weight,
    from {{ ref('people_pairs') }} as pairs
    full join (
        select * from {{ ref('people_decisions') }}
        where status = 'stands'
    ) as decisions
        on pairs.person_id = decisions.person_id
            and pairs.other_person_id = decisions.other_person_id
),

-- Each pair from both of its ends.
ends as (
    select
        *,
        person_id as from_id,
        other_person_id as to_id,
        of_source as from_source,
        other_source as to_source,
    from pairs
    union all
    select
        *,
        other_person_id,
        person_id,
        other_source,
        of_source,
    from pairs
),

-- Pairs to be followed: the only best one of both of their ends.
best as (
    select * from ends
    where verdict <> 'apart'
    qualify
        rank() over (partition by from_id, to_source order by weight desc) = 1
        and count(*) over (partition by from_id, to_source, weight) = 1
),

links as (
    select one.*
    from best as one
    semi join best as other on one.from_id = other.to_id and one.to_id = other.from_id
    where one.verdict = 'match'
),

-- Everyone whom a person is linked with, over any number of sources.
reached (person_id, member_id, member_source) as (
    select from_id, from_id, from_source,
    from links
    union
    select reached.person_id, links.to_id, links.to_source,
    from reached
    inner join links on reached.member_id = links.from_id
),

groups as (
    select
        person_id,
        min(member_id) as group_id,
        count(*) = count(distinct member_source) as is_possible,
    from reached
    group by person_id
),

followed as (
    select
        links.from_id,
        links.to_id,
        links.to_source,
        groups.group_id,
        groups.is_possible,
    from links
    inner join groups on links.from_id = groups.person_id
),

judged as (
    select
        pairs.*,
        followed.group_id,
        case
            when pairs.verdict = 'apart' then 'apart'
            when followed.is_possible then 'matched'
            when followed.from_id is not null then 'review'
            when exists (
                select 1 from followed as taken
                where
                    taken.is_possible
                    and (
                        taken.from_id = pairs.person_id and taken.to_source = pairs.other_source
                        or taken.from_id = pairs.other_person_id
                        and taken.to_source = pairs.of_source
                    )
            ) then 'taken'
            else 'review'
        end as outcome,
        case
            when pairs.verdict = 'apart' or pairs.decision = 'same' and followed.is_possible
                then 'you decided so; they have ' || pairs.words
            when followed.from_id is not null and not followed.is_possible
                then pairs.words || ', but then two people of one source would be one'
            when pairs.verdict = 'match' and followed.from_id is null
                then pairs.words || ', but so has another person of that source'
            else pairs.words
        end as reason,
    from pairs
    left join followed
        on pairs.person_id = followed.from_id and pairs.other_person_id = followed.to_id
)

select
    person_id,
    other_person_id,
    of_source,
    other_source,
    step,
    score,
    decision,
    outcome,
    reason,
    case when outcome = 'matched' then group_id end as group_id,
from judged
