-- One row per decision the authority keeps: the two people it is about, and whether it can be
-- followed.
-- The person of the source to believe first stands first.
with

decisions as (
    select * from {{ ref('stg_people_matched') }}
),

people as (
    select
        person_id,
        any_value(ids_of) as ids_of,
        min(place) as place,
    from {{ ref('people_traits') }}
    group by person_id
),

found as (
    select
        decisions.*,
        one.place > other.place as is_turned,
        one.ids_of as one_source,
        other.ids_of as other_source,
    from decisions
    left join people as one on decisions.person_id = one.person_id
    left join people as other on decisions.other_person_id = other.person_id
    where (select count(*) > 1 from {{ source('audit', 'sources') }})
)

select
    case when is_turned then other_person_id else person_id end as person_id,
    case when is_turned then person_id else other_person_id end as other_person_id,
    case when is_turned then other_source else one_source end as of_source,
    case when is_turned then one_source else other_source end as other_source,
    decision,
    reason,
    author,
    written_date,
    case
        when one_source is null or other_source is null then 'unknown_person'
        when one_source = other_source then 'one_source'
        else 'stands'
    end as status,
    _file,
    _row,
from found
