-- One row per placement in the return: it overlaps the time from the period's start to the survey.
with

placements as (
    {{ accepted('placements') }}
),

people as (
    {{ accepted('people') }}
)

select
    plans.person_id,
    plans.request_id,
    placements.placement_id,
    placements.urn,
    placements.ukprn,
    placements.setting,
    placements.setting_note,
    placements.rank,
    placements.entry_date,
    case when placements.leaving_date <= survey.survey_day then placements.leaving_date end
        as leaving_date,
    placements.attendance,
    placements.sen_unit,
    placements.resourced_provision,
    placements.residential,
    placements.work_based,
    -- Of the plan's placements of the first rank, the one with the latest entry date.
    placements.rank = '1' and row_number() over (
        partition by plans.request_id, placements.rank
        order by placements.entry_date desc nulls last, placements.placement_id asc
    ) = 1 as is_primary,
    placements._file,
    placements._row,
from placements
inner join {{ ref('returned_plans') }} as plans on placements.plan_id = plans.plan_id
left join people on plans.person_id = people.person_id
cross join {{ ref('survey') }} as survey
where
    coalesce(placements.entry_date <= survey.survey_day, true)
    -- A leaving date before the entry, or the birth, cannot be true: the placement counts as open.
    and (
        coalesce(placements.leaving_date >= survey.period_start, true)
        or coalesce(
            placements.leaving_date < greatest(placements.entry_date, people.birth_date), false
        )
    )
