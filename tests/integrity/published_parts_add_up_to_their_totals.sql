-- In every row of the published tables the parts add up to the total; x adds up to nothing.
{% set settings = [
    'mainstream_total', 'special_total', 'ap_pru_total', 'fe_total', 'ed_elsewhere',
    'nm_early_years', 'placement_unknown',
] %}
{% set sums = [
    ('caseload', 'ehcplans', settings),
    ('newplans', 'new_ehc_plans', settings),
    ('published_requests', 'requests_received_in_year', [
        'requests_decided_to_assess', 'requests_decided_not_to_assess',
        'requests_decision_not_made', 'requests_withdrawn',
    ]),
    ('assessments', 'assess_in_year', [
        'assess_issued', 'assess_not_issued', 'assess_not_made', 'assess_withdrawn',
    ]),
    ('timeliness_20_week', 'plans_issued_den', [
        'plans_issued_within_20_weeks', 'plans_issued_gt20weeks_ltyear', 'plans_issued_gt_1_year',
    ]),
    ('timeliness_20_week', 'plans_issued_den_ex', [
        'plans_issued_20_weeks_ex', 'plans_issued_gt20weeks_ltyear_ex',
        'plans_issued_gt_1_year_ex',
    ]),
    ('ceased_plans', 'total_ceased', [
        'max_age', 'needs_met', 'he', 'employ', 'transfer', 'no_engage', 'moved_outside_eng',
        'deceased', 'not_rec', 'other',
    ]),
    ('annual_reviews', 'total_ehc_plans', ['review_expected', 'review_not_expected']),
    ('annual_reviews', 'review_expected', ['total_review_meeting', 'no_review_meeting']),
    ('annual_reviews', 'total_review_meeting', [
        'review_meeting_25', 'review_meeting_24', 'review_meeting_prior_24',
    ]),
    ('annual_reviews', 'total_review_meeting', [
        'review_completed', 'review_meeting_prior_24',
    ]),
    ('annual_reviews', 'total_review_meeting', [
        'outcome_amend', 'outcome_cease', 'outcome_maintan', 'no_outcome',
    ]),
] %}
{% for model, total, parts in sums %}
    select
        return_id,
        '{{ model }}' as model,
        '{{ total }}' as total,
        breakdown_topic || ': ' || breakdown as place,
    from {{ ref(model) }}
    where
        try_cast({{ total }} as integer) <> 0
        {%- for part in parts %} + try_cast({{ part }} as integer){% endfor %}
    {{ 'union all' if not loop.last }}
{% endfor %}
