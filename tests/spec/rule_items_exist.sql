-- Every tag a rule names is an item or an element of the file in some year of the rule.
with

named as (
    select
        rule_id,
        year_from,
        year_to,
        unnest(string_split(items, ';')) as tag,
    from {{ ref('rules') }}
),

-- Items are the leaves of the structure; its parents add Message, which stands in nothing.
tags as (
    select
        unnest([parent, element]) as tag,
        year_from,
        year_to,
    from {{ ref('xml_structure') }}
)

select
    named.rule_id,
    named.tag,
from named
anti join tags
    on
        named.tag = tags.tag
        and named.year_from <= tags.year_to
        and named.year_to >= tags.year_from
