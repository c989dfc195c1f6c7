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
)

select
    people.return_id,
    people.person_id,
    people.person_birth_date as birth_date,
    case
        when coalesce(people.sex, genders.sex) in ('F', 'M') then coalesce(people.sex, genders.sex)
    end as by_sex,
    coalesce(ethnic_groups.published_group, 'Unclassified') as by_ethnicity,
from {{ ref('person') }} as people
inner join {{ ref('published_returns') }} as returns on people.return_id = returns.return_id
left join genders
    on people.gender_current = genders.gender_current
        and returns.collection_year between genders.year_from and genders.year_to
left join {{ ref('ethnic_groups') }} as ethnic_groups on people.ethnicity = ethnic_groups.code
