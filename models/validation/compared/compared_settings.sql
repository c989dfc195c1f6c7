-- One row per pair of returns and plan in force in both whose main placement is at another place.
with

days as (
    select
        earlier_return_id as return_id,
        earlier_survey_day as survey_day,
    from {{ ref('compared_returns') }}
    union
    select
        later_return_id,
        later_survey_day,
    from {{ ref('compared_returns') }}
),

-- Where each plan's person was on the survey day; of several main placements, the latest.
places as (
    select
        placements.return_id,
        placements.request_id,
        coalesce(
            'URN ' || placements.urn,
            'UKPRN ' || placements.ukprn,
            'SENSetting ' || placements.sen_setting
        ) as place,
    from {{ ref('placement_detail') }} as placements
    inner join days on placements.return_id = days.return_id
    where
        placements.placement_rank = '1'
        and {{ is_open_on('placements.entry_date', 'placements.leaving_date', 'days.survey_day') }}
    qualify row_number() over (
        partition by placements.return_id, placements.request_id
        order by placements.entry_date desc nulls last, place nulls last
    ) = 1
)

select
    cases.earlier_return_id,
    cases.later_return_id,
    cases.earlier_person_id,
    cases.later_person_id,
    cases.earlier_request_id,
    cases.later_request_id,
    'setting_moved' as kind,
    'PlacementDetail' as item,
    earlier.place as earlier_value,
    later.place as later_value,
from {{ ref('compared_cases_of_both') }} as cases
inner join places as earlier
    on cases.earlier_return_id = earlier.return_id
        and cases.earlier_request_id = earlier.request_id
inner join places as later
    on cases.later_return_id = later.return_id
        and cases.later_request_id = later.request_id
where cases.earlier_is_active and cases.later_is_active and earlier.place <> later.place
