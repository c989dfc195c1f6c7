-- One row per pair of returns and plan in force in both whose main placement is at another place.
with

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
    from {{ ref('placement_records') }} as placements
    where placements.placement_rank_word = 'main' and placements.is_open
    qualify row_number() over (
        partition by placements.return_id, placements.request_id
        order by placements.entry_date desc nulls last, place asc nulls last
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
