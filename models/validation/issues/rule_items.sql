-- One row per rule and item it names, in the rule's order, with the item's column.
with

named as (
    select
        rules.rule_id,
        unnest(string_split(rules.items, ';')) as xml_tag,
        unnest(range(1, len(string_split(rules.items, ';')) + 1)) as position,
    from {{ ref('rules') }} as rules
)

select distinct
    named.rule_id,
    named.position,
    named.xml_tag,
    items.column_name,
from named
inner join {{ ref('items') }} as items on named.xml_tag = items.xml_tag
