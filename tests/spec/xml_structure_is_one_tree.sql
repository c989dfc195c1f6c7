-- In every year each element but Message stands under exactly one parent that is itself placed.
select
    collections.collection_year,
    children.parent,
from {{ ref('collections') }} as collections
inner join {{ ref('xml_structure') }} as children
    on collections.collection_year between children.year_from and children.year_to
left join {{ ref('xml_structure') }} as parents
    on
        children.parent = parents.element
        and collections.collection_year between parents.year_from and parents.year_to
where children.parent <> 'Message'
group by all
having count(distinct parents.parent) <> 1
