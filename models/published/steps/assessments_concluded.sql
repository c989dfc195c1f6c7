-- One row per assessment with an outcome dated in the calendar year, per return.
-- Those under way have no date and are not among them, as the release shows.
select
    cases.return_id,
    cases.request_id,
    cases.assessment_outcome_word,
    cases.days_to_outcome as days,
    coalesce(cases.week20_word = 'yes', false) as is_exception,
    {% for reason in ['request', 'assessment', 'other'] %}
        {% for step in ['mediation', 'tribunal'] %}
            cases.{{ reason }}_{{ step }}_word = 'yes' as has_{{ reason }}_{{ step }},
        {% endfor %}
    {% endfor %}
    returns.refuse_days,
    returns.issue_days,
    returns.year_after_days,
    people.by_sex,
    people.by_ethnicity,
    {{ age_on('people.birth_date', 'cases.received_date') }} as by_request_age,
from {{ ref('case_records') }} as cases
inner join {{ ref('published_returns') }} as returns on cases.return_id = returns.return_id
left join {{ ref('people_described') }} as people
    on cases.return_id = people.return_id and cases.person_id = people.person_id
where
    cases.assessment_outcome_date between returns.year_start and returns.year_end
    and cases.assessment_outcome_word in ('issued', 'refused', 'undecided', 'withdrawn')
