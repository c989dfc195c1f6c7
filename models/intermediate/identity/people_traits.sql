-- One row per accepted person of each source, for comparing; none when there is only one source.
with

sources as (
    select * from {{ source('audit', 'sources') }}
),

accepted_people as (
    {{ not_rejected('people', ref('stg_people')) }}
),

people as (
    select
        accepted_people.*,
        sources.place,
        sources.ids_of,
        sources.id_prefix,
    from accepted_people
    inner join sources on accepted_people._source = sources.source
    where (select count(*) from {{ source('audit', 'sources') }}) > 1
)

select
    person_id,
    _source as source,
    place,
    ids_of,
    id_prefix is null as is_plain,
    {{ bare_name('surname') }} as surname,
    {{ bare_name('forename') }} as forename,
    birth_date,
    sex,
    {{ bare_code('postcode') }} as postcode,
    {{ bare_code('upn') }} as upn,
    {{ bare_code('uln') }} as uln,
    _file,
    _row,
from people
