-- No rule follows itself, not even by way of others.
with recursive

causes as (
    select
        rule_id,
        unnest(string_split(follows, ';')) as cause_id,
    from {{ ref('rules') }}
    where follows is not null
),

chains as (
    select
        rule_id,
        cause_id,
    from causes
    union
    select
        chains.rule_id,
        causes.cause_id,
    from chains
    inner join causes on chains.cause_id = causes.rule_id
)

select rule_id,
from chains
where rule_id = cause_id
