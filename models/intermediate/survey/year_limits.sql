-- One row per collection year: the limits that rules and figures use, and the days they go by.
{% set counts = [
    'decide_days', 'refuse_days', 'issue_days', 'year_after_days', 'review_days', 'near_miss_days',
    'school_age_from', 'school_age_to', 'max_plan_age', 'adult_estate_age', 'un1_age', 'un8_days',
    'rya_age_from', 'rya_age_to', 'fast_issue_days', 'work_based_age_from',
    'leaver_reason_age_from', 'neet_age_from', 'neet_age_to', 'review_interval_months',
    'review_draft_days', 'cease_days', 'phase_transfer_ahead_months', 'phase_transfer_age_first',
    'phase_transfer_age_second', 'phase_transfer_age_third', 'oldest_age', 'early_years_age_to',
    'home_education_age_from', 'home_education_age_to', 'explain_at_least', 'name_length',
    'description_length', 'form_youth_requests', 'band_authorities', 'slips', 'short_name',
] %}
{% set shares = [
    'ceased_other_share', 'setting_other_share', 'request_source_other_share',
    'caseload_change_down', 'caseload_change_up', 'no_identifier_share', 'exception_share',
    'no_placement_share', 'form_refused_share', 'form_exception_share', 'form_not_issued_share',
    'form_new_plans_change_down', 'form_new_plans_change_up', 'form_requests_change_down',
    'form_requests_change_up', 'band_from', 'band_to', 'likeness_of_names',
] %}
with

limits as (
    select
        collections.collection_year,
        {% for limit in counts %}
            max(limits.value) filter (limits.name = '{{ limit }}')::integer as {{ limit }},
        {% endfor %}
        {% for limit in shares %}
            max(limits.value) filter (limits.name = '{{ limit }}') as {{ limit }},
        {% endfor %}
    from {{ ref('collections') }} as collections
    left join {{ ref('thresholds') }} as limits
        on collections.collection_year between limits.year_from and limits.year_to
    group by collections.collection_year
),

key_dates as (
    select
        {% for day in [
            'plans_began', 'phase_transfer_day', 'phase_transfer_post16_day', 'placeholder_day',
            'age_reference_day', 'school_year_start',
        ] %}
            max(value) filter (name = '{{ day }}') as {{ day }},
        {% endfor %}
    from {{ ref('key_dates') }}
)

select
    limits.*,
    -- The age reference day before the survey day: 31 August of the year before.
    (year(collections.period_start) || '-' || key_dates.age_reference_day)::date
        as age_reference_date,
    (year(collections.period_start) || '-' || key_dates.school_year_start)::date
        as school_year_start_date,
    key_dates.plans_began::date as plans_began,
    key_dates.phase_transfer_day,
    key_dates.phase_transfer_post16_day,
    key_dates.placeholder_day,
from limits
inner join {{ ref('collections') }} as collections
    on limits.collection_year = collections.collection_year
cross join key_dates
