-- One row per plan that has one: the main placement it is counted at.
-- A plan in force is counted where the placement is open on the survey day, a plan that has ceased
-- where the placement was last.
with

main_placements as (
    select
        placements.return_id,
        placements.request_id,
        placements.urn,
        placements.ukprn,
        placements.sen_setting,
        placements.sen_unit_indicator,
        placements.resourced_provision_indicator,
        {{ school_age(
            'people.birth_date', 'returns.age_reference_date',
            'returns.school_age_from', 'returns.school_age_to',
        ) }} as school_age,
    from {{ ref('placement_records') }} as placements
    inner join {{ ref('published_returns') }} as returns
        on placements.return_id = returns.return_id
    inner join {{ ref('case_records') }} as plans
        on placements.return_id = plans.return_id and placements.request_id = plans.request_id
    left join {{ ref('people_described') }} as people
        on placements.return_id = people.return_id and placements.person_id = people.person_id
    where
        plans.has_named_plan
        and placements.placement_rank_word = 'main'
        and coalesce(placements.entry_date <= returns.survey_day, true)
        and (
            coalesce(placements.leaving_date > returns.survey_day, true)
            or coalesce(plans.cease_date <= returns.survey_day, false)
        )
    qualify row_number() over (
        partition by placements.return_id, placements.request_id
        order by placements.entry_date desc nulls last, placements.placement_id asc
    ) = 1
),

placed as (
    {{ with_settings('main_placements') }}
),

-- What the register as landed does not hold is not recorded; without a register, not known.
judged as (
    select
        *,
        case
            when published_column <> 'unknown' then null
            when setting_status in ('no establishments table', 'no UKPRN in the table')
                then 'unknown'
            else 'placement_unknown'
        end as not_placed,
    from placed
)

select
    return_id,
    request_id,
    coalesce(not_placed, published_column) as setting,
    coalesce(not_placed, published_group) as setting_group,
    setting_status,
    setting_kind,
    case when not_placed = 'unknown' then if(urn is null, 'ukprn', 'urn') end as unknown_by,
from judged
