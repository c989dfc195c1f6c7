-- No year has two rules with one rule id.
select
    collections.collection_year,
    rules.rule_id,
from {{ ref('collections') }} as collections
inner join {{ ref('rules') }} as rules
    on collections.collection_year between rules.year_from and rules.year_to
group by all
having count(*) > 1
