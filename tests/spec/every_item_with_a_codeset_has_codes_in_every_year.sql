-- Every item with a code set has codes in every year in which the item is collected.
select
    collections.collection_year,
    items.xml_tag,
    items.codeset,
from {{ ref('collections') }} as collections
inner join {{ ref('items') }} as items
    on collections.collection_year between items.year_from and items.year_to
anti join {{ ref('codes') }} as codes
    on
        items.codeset = codes.codeset
        and collections.collection_year between codes.year_from and codes.year_to
where items.codeset is not null
