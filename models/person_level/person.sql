-- One row per person per return.
with

people as (
    {{ accepted('people') }}
),

gender_codes as (
    select
        outcome as sex,
        code as gender_code,
    from {{ ref('outcome_codes') }}
    where
        stage = 'gender'
        and {{ var('collection_year') }} between year_from and year_to
),

built as (
    select
        'built' as return_id,
        people.person_id,
        people.surname,
        people.forename,
        people.birth_date as person_birth_date,
        {{ if_collected(
        'person', 'gender_current', 'coalesce(people.gender_code, gender_codes.gender_code)'
    ) }}
            as gender_current,
        {{ if_collected('person', 'sex', 'people.sex') }} as sex,
        people.ethnicity,
        people.postcode,
        people.upn,
        people.uln as unique_learner_number,
        people.no_identifier_reason as upn_unknown,
    from people
    semi join {{ ref('request_outcomes') }} as requests on people.person_id = requests.person_id
    left join gender_codes on people.sex = gender_codes.sex
),

imported as (
    select
        * replace (
            {{ date_of('person_birth_date') }} as person_birth_date,
        ),
    from {{ source('imported', 'person') }}
)

select * from built
union all by name
select * from imported
