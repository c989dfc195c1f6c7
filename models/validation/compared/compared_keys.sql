-- One row per person of a return that is compared and thing that says who it is, strongest first.
with

returns as (
    select earlier_return_id as return_id from {{ ref('compared_returns') }}
    union
    select later_return_id from {{ ref('compared_returns') }}
),

-- Names as they are compared: letters alone, without case or accents.
people as (
    select
        person.return_id,
        person.person_id,
        person.person_birth_date,
        nullif(upper(trim(person.upn)), '') as upn,
        nullif(trim(person.unique_learner_number), '') as uln,
        nullif(regexp_replace(lower(strip_accents(person.surname)), '[^\pL]', '', 'g'), '')
            as surname,
        nullif(regexp_replace(lower(strip_accents(person.forename)), '[^\pL]', '', 'g'), '')
            as forename,
        nullif(upper(replace(person.postcode, ' ', '')), '') as postcode,
    from {{ ref('person') }} as person
    semi join returns on person.return_id = returns.return_id
),

-- The first four may join two records, the others only cast doubt.
keys as (
    select *, 1 as step, 'UPN' as agrees_on, upn as key_value from people
    union all
    select *, 2, 'ULN', uln from people
    union all
    select *, 3, 'person id', person_id from people
    union all
    select *, 4, 'name and date of birth', forename || '|' || surname || '|' || person_birth_date,
    from people
    union all
    select *, 5, 'surname and date of birth', surname || '|' || person_birth_date from people
    union all
    select *, 6, 'forename and date of birth', forename || '|' || person_birth_date from people
    union all
    select *, 7, 'name and postcode', forename || '|' || surname || '|' || postcode from people
)

select
    return_id,
    person_id,
    step,
    agrees_on,
    key_value,
    step <= 4 as may_join,
    person_birth_date,
    surname,
    forename,
from keys
where key_value is not null
