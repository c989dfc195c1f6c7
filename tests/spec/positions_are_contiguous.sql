-- The children of a parent are numbered from one without a gap or a tie, in every year.
select
    collections.collection_year,
    xml_structure.parent,
from {{ ref('collections') }} as collections
inner join {{ ref('xml_structure') }} as xml_structure
    on collections.collection_year between xml_structure.year_from and xml_structure.year_to
group by all
having
    min(xml_structure.position) <> 1
    or max(xml_structure.position) <> count(*)
    or count(distinct xml_structure.position) <> count(*)
