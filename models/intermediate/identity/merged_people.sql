-- One row per person whose records count under another id: that of the first source's record, or
-- one that was given before. What is given is kept (audit.given_ids), so that ids stay from run to
-- run.
{{ config(post_hook=[
    "delete from {{ source('audit', 'given_ids') }}
        where person_id in (select person_id from {{ ref('stg_people') }})",
    "insert into {{ source('audit', 'given_ids') }}
        select person_id, into_person_id from {{ this }} order by person_id",
]) }}
with

given as (
    select * from {{ source('audit', 'given_ids') }}
),

matches as (
    select * from {{ ref('people_matches') }}
    where outcome = 'matched'
),

grouped as (
    select person_id, group_id from matches
    union
    select other_person_id, group_id from matches
),

-- Who is in a group, or was given an id: nobody, as a rule, in an extract of one source.
concerned as (
    select
        people.person_id,
        coalesce(any_value(grouped.group_id), people.person_id) as group_id,
        any_value(given.given_id) as given_id,
        bool_or(sources.id_prefix is null) as is_plain,
        min(sources.place) as place,
    from {{ ref('stg_people') }} as people
    inner join {{ source('audit', 'sources') }} as sources on people._source = sources.source
    left join grouped on people.person_id = grouped.person_id
    left join given on people.person_id = given.person_id
    where grouped.person_id is not null or given.person_id is not null
    group by people.person_id
),

-- An id that was given is good while no other person of the extract has it as their own.
standing as (
    select
        concerned.*,
        case when own.person_id is null then concerned.given_id end as free_id,
    from concerned
    left join (
        select distinct person_id from {{ ref('stg_people') }}
    ) as own on concerned.given_id = own.person_id
),

-- The first of each group: of the source whose ids are plain, else of the first in the order.
heads as (
    select * from standing
    qualify row_number() over (
        partition by group_id order by is_plain desc, place asc, person_id asc
    ) = 1
),

named as (
    select
        group_id,
        case
            when row_number() over (partition by free_id order by place, person_id) = 1
                then coalesce(free_id, person_id)
            else person_id
        end as into_person_id,
    from heads
)

select
    standing.person_id,
    named.into_person_id,
from standing
inner join named on standing.group_id = named.group_id
where standing.person_id <> named.into_person_id
