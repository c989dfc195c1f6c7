-- Every leaf of a year's XML structure is an item of that year's table, and the other way round.
with

placed as (
    select
        collections.collection_year,
        xml_structure.parent,
        xml_structure.element,
        case
            when xml_structure.parent in ('CollectionDetails', 'Source') then 'sen2'
            when xml_structure.parent = 'SENneed' then 'sen_need'
            else lower(regexp_replace(xml_structure.parent, '([a-z])([A-Z])', '\1_\2', 'g'))
        end as table_name,
    from {{ ref('collections') }} as collections
    inner join {{ ref('xml_structure') }} as xml_structure
        on collections.collection_year between xml_structure.year_from and xml_structure.year_to
    where collections.has_person_level
),

leaves as (
    select placed.*,
    from placed
    anti join placed as inner_elements
        on
            placed.element = inner_elements.parent
            and placed.collection_year = inner_elements.collection_year
),

collected as (
    select
        collections.collection_year,
        items.table_name,
        items.xml_tag,
    from {{ ref('collections') }} as collections
    inner join {{ ref('items') }} as items
        on collections.collection_year between items.year_from and items.year_to
    where collections.has_person_level
)

select
    coalesce(leaves.collection_year, collected.collection_year) as collection_year,
    coalesce(leaves.table_name, collected.table_name) as table_name,
    leaves.element,
    collected.xml_tag,
from leaves
full join collected
    on
        leaves.collection_year = collected.collection_year
        and leaves.table_name = collected.table_name
        and leaves.element = collected.xml_tag
where leaves.element is null or collected.xml_tag is null
