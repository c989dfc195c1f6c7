-- One row per code, code set and collection year in which it may be used.
select
    collections.collection_year as listed_year,
    codes.codeset,
    codes.code as listed_code,
from {{ ref('codes') }} as codes
inner join {{ ref('collections') }} as collections
    on collections.collection_year between codes.year_from and codes.year_to
