-- The collection year being built is one of the collections.
select {{ var('collection_year') }} as collection_year
where {{ var('collection_year') }} not in (select collection_year from {{ ref('collections') }})
