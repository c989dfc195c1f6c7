-- Every rule named in `follows` is another rule, in force in a year of this one.
with

causes as (
    select
        rule_id,
        module,
        year_from,
        year_to,
        unnest(string_split(follows, ';')) as cause_id,
    from {{ ref('rules') }}
    where follows is not null
)

select
    causes.rule_id,
    causes.cause_id,
from causes
anti join {{ ref('rules') }} as rules
    on
        causes.cause_id = rules.rule_id
        and causes.rule_id <> rules.rule_id
        and causes.year_from <= rules.year_to
        and causes.year_to >= rules.year_from
