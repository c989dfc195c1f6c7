-- One row per accepted establishment, with the kind of setting it is.
with

landed as (
    {{ accepted('establishments') }}
),

kinds as (
    select * from {{ ref('establishment_kinds') }}
),

-- A type whose further education type is not listed is what the type alone says.
kinded as (
    select
        landed.urn,
        landed.ukprn,
        landed.name,
        landed.type_code,
        landed.further_education_type,
        coalesce(exact_kind.kind, type_kind.kind) as kind,
        landed.status_code,
        landed.open_date,
        landed.close_date,
        landed.has_sen_unit = '1' as has_sen_unit,
        landed.has_resourced_provision = '1' as has_resourced_provision,
    from landed
    left join kinds as exact_kind
        on landed.type_code = exact_kind.type_code
            and landed.further_education_type = exact_kind.further_education_type
    left join kinds as type_kind
        on landed.type_code = type_kind.type_code and type_kind.further_education_type is null
)

-- A provider that became another establishment keeps its UKPRN: the one still open answers to it.
select
    *,
    ukprn is not null and row_number() over (
        partition by ukprn
        order by close_date desc nulls first, open_date desc nulls last, urn asc
    ) = 1 as is_ukprn_holder,
from kinded
