-- One row per person per return: what every table is broken down by, and the birth date.
with

genders as (
    select
        code as gender_current,
        outcome as sex,
        year_from,
        year_to,
    from {{ ref('outcome_codes') }}
    where stage = 'gender'
),

-- Until 2023 the return says the gender, since then the sex.
people as (
    select
        person.return_id,
        person.person_id,
        person.person_birth_date,
        person.ethnicity,
        returns.collection_year,
        coalesce(person.sex, genders.sex) as sex,
    from {{ ref('person') }} as person
    inner join {{ ref('published_returns') }} as returns on person.return_id = returns.return_id
    left join genders
        on person.gender_current = genders.gender_current
            and returns.collection_year between genders.year_from and genders.year_to
),

people_with_words as (
    {{ with_words('people', {'sex': 'Sex'}) }}
)

select
    people.return_id,
    people.person_id,
    people.person_birth_date as birth_date,
    case when people.sex_word in ('female', 'male') then people.sex end as by_sex,
    coalesce(ethnic_groups.published_group, 'Unclassified') as by_ethnicity,
from people_with_words as people
left join {{ ref('ethnic_groups') }} as ethnic_groups on people.ethnicity = ethnic_groups.code
