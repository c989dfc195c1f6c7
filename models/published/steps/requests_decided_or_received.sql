-- One row per request received in the calendar year, or decided in it, per return.
-- A historical request is neither: it was decided before, or with a plan from elsewhere.
select
    requests.return_id,
    requests.request_id,
    requests.request_outcome,
    requests.rya = '1' as is_in_youth_accommodation,
    requests.request_mediation = '1' as has_mediation,
    requests.request_tribunal = '1' as has_tribunal,
    coalesce(requests.received_date between returns.year_start and returns.year_end, false)
        as is_received,
    coalesce(
        requests.request_outcome_date between returns.year_start and returns.year_end
        and requests.request_outcome in ('Y', 'N'),
        false
    ) as is_decided,
    requests.request_outcome_date - requests.received_date <= returns.decide_days as is_in_time,
    requests.request_source as by_request_source,
    people.by_sex,
    people.by_ethnicity,
    {{ age_on('people.birth_date', 'requests.received_date') }} as by_request_age,
from {{ ref('requests') }} as requests
inner join {{ ref('published_returns') }} as returns on requests.return_id = returns.return_id
left join {{ ref('people_described') }} as people
    on requests.return_id = people.return_id and requests.person_id = people.person_id
where
    requests.request_outcome in ('Y', 'N', 'A', 'W')
    and (is_received or is_decided)
