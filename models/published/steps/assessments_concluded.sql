-- One row per assessment with an outcome dated in the calendar year, per return.
-- Those under way have no date and are not among them, as the release shows.
select
    assessments.return_id,
    assessments.request_id,
    assessments.assessment_outcome,
    assessments.assessment_outcome_date - requests.received_date as days,
    coalesce(assessments.week20 = '1', false) as is_exception,
    requests.request_mediation = '1' as has_request_mediation,
    requests.request_tribunal = '1' as has_request_tribunal,
    assessments.assessment_mediation = '1' as has_assessment_mediation,
    assessments.assessment_tribunal = '1' as has_assessment_tribunal,
    assessments.other_mediation = '1' as has_other_mediation,
    assessments.other_tribunal = '1' as has_other_tribunal,
    returns.refuse_days,
    returns.issue_days,
    returns.year_after_days,
    people.by_sex,
    people.by_ethnicity,
    {{ age_on('people.birth_date', 'requests.received_date') }} as by_request_age,
from {{ ref('assessment') }} as assessments
inner join {{ ref('published_returns') }} as returns on assessments.return_id = returns.return_id
left join {{ ref('requests') }} as requests
    on assessments.return_id = requests.return_id
        and assessments.request_id = requests.request_id
left join {{ ref('people_described') }} as people
    on assessments.return_id = people.return_id and assessments.person_id = people.person_id
where
    assessments.assessment_outcome_date between returns.year_start and returns.year_end
    and assessments.assessment_outcome in ('Y', 'N', 'A', 'W')
-- Of a request with several assessments, which rule F03 reports, the first counts.
qualify row_number() over (
    partition by assessments.return_id, assessments.request_id
    order by assessments.assessment_outcome_date, assessments.assessment_outcome
) = 1
