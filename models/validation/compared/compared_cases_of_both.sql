-- One row per pair of returns and case of a person in both: what each return says of the case.
{% set facts = [
    'received_date',
    'request_outcome_date',
    'assessment_outcome_date',
    'start_date',
    'cease_date',
    'review_meeting',
    'concluded_date',
    'has_plan',
    'is_active',
    'is_open',
    'is_transferred_in',
] %}
select
    cases.*,
    pairs.earlier_survey_day,
    pairs.later_survey_day,
    pairs.later_period_start,
    {% for side in ['earlier', 'later'] %}
        {% for fact in facts %}
            {{ side }}.{{ fact }} as {{ side }}_{{ fact }},
        {% endfor %}
    {% endfor %}
    -- What was in force is not there as ended, but as begun since.
    coalesce(earlier.is_active and later.start_date > pairs.earlier_survey_day, false)
        as is_restarted,
from {{ ref('compared_cases') }} as cases
inner join {{ ref('compared_returns') }} as pairs
    on cases.earlier_return_id = pairs.earlier_return_id
        and cases.later_return_id = pairs.later_return_id
left join {{ ref('compared_requests') }} as earlier
    on cases.earlier_return_id = earlier.return_id
        and cases.earlier_request_id = earlier.request_id
left join {{ ref('compared_requests') }} as later
    on cases.later_return_id = later.return_id
        and cases.later_request_id = later.request_id
where cases.earlier_person_id is not null and cases.later_person_id is not null
