-- One row per request received in the calendar year, or decided in it, per return.
-- A historical request is neither: it was decided before, or with a plan from elsewhere.
select
    cases.return_id,
    cases.request_id,
    cases.request_outcome_word,
    cases.rya_word = 'yes' as is_in_youth_accommodation,
    cases.request_mediation_word = 'yes' as has_mediation,
    cases.request_tribunal_word = 'yes' as has_tribunal,
    coalesce(cases.received_date between returns.year_start and returns.year_end, false)
        as is_received,
    coalesce(
        cases.request_outcome_date between returns.year_start and returns.year_end
        and cases.is_request_decided,
        false
    ) as is_decided,
    cases.request_outcome_date - cases.received_date <= returns.decide_days as is_in_time,
    cases.request_source as by_request_source,
    people.by_sex,
    people.by_ethnicity,
    {{ age_on('people.birth_date', 'cases.received_date') }} as by_request_age,
from {{ ref('case_records') }} as cases
inner join {{ ref('published_returns') }} as returns on cases.return_id = returns.return_id
left join {{ ref('people_described') }} as people
    on cases.return_id = people.return_id and cases.person_id = people.person_id
where
    cases.request_outcome_word in ('agreed', 'refused', 'undecided', 'withdrawn')
    and (is_received or is_decided)
