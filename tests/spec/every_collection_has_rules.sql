-- Every collection year has rules in force.
select collections.collection_year,
from {{ ref('collections') }} as collections
anti join {{ ref('rules') }} as rules
    on collections.collection_year between rules.year_from and rules.year_to
