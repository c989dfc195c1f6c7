-- Every rule that an accepted fact bears on is in the catalogue.
with

bearing as (
    select unnest(string_split(bears_on, ';')) as rule_id,
    from {{ ref('accepted') }}
)

select bearing.rule_id,
from bearing
anti join {{ ref('rules') }} as rules on bearing.rule_id = rules.rule_id
