-- One row per return: its collection, the days that count, and the limits its rules use.
{% set limits = [
    'decide_days',
    'refuse_days',
    'issue_days',
    'review_days',
    'school_age_from',
    'school_age_to',
    'max_plan_age',
    'adult_estate_age',
    'un1_age',
    'un8_days',
    'rya_age_from',
    'rya_age_to',
    'fast_issue_days',
    'work_based_age_from',
    'leaver_reason_age_from',
    'neet_age_from',
    'neet_age_to',
    'review_interval_months',
    'review_draft_days',
    'cease_days',
    'phase_transfer_ahead_months',
    'phase_transfer_age_first',
    'phase_transfer_age_second',
    'phase_transfer_age_third',
    'oldest_age',
    'early_years_age_to',
    'home_education_age_from',
    'home_education_age_to',
    'explain_at_least',
    'name_length',
    'description_length',
] %}
{% set shares = [
    'ceased_other_share',
    'setting_other_share',
    'request_source_other_share',
    'caseload_change_down',
    'caseload_change_up',
    'no_identifier_share',
    'exception_share',
    'no_placement_share',
] %}
with

-- An imported return is judged by the year it was imported for, any other by its header's; where
-- that is no collection, by the year being built.
headers as (
    select
        sen2.return_id,
        sen2.lea,
        coalesce(
            files.collection_year, collections.collection_year, {{ var('collection_year') }}
        ) as collection_year,
    from {{ ref('sen2') }} as sen2
    left join {{ source('imported', 'files') }} as files
        on sen2.return_id = files.return_id
    left join {{ ref('collections') }} as collections
        on try_cast(sen2.year as integer) = collections.collection_year
),

limits as (
    select
        headers.return_id,
        {% for limit in limits %}
            max(thresholds.value) filter (thresholds.name = '{{ limit }}')::integer as {{ limit }},
        {% endfor %}
        {% for share in shares %}
            max(thresholds.value) filter (thresholds.name = '{{ share }}') as {{ share }},
        {% endfor %}
    from headers
    left join {{ ref('thresholds') }} as thresholds
        on headers.collection_year between thresholds.year_from and thresholds.year_to
    group by headers.return_id
),

key_dates as (
    select
        max(value) filter (name = 'plans_began')::date as plans_began,
        max(value) filter (name = 'age_reference_day') as age_reference_day,
        max(value) filter (name = 'school_year_start') as school_year_start,
        max(value) filter (name = 'phase_transfer_day') as phase_transfer_day,
        max(value) filter (name = 'phase_transfer_post16_day') as phase_transfer_post16_day,
        max(value) filter (name = 'placeholder_day') as placeholder_day,
    from {{ ref('key_dates') }}
)

select
    headers.return_id,
    headers.collection_year,
    headers.lea as return_la,
    collections.survey_day,
    collections.period_start,
    case settings.period_end
        when 'calendar_year' then collections.calendar_year_end
        else collections.survey_day
    end as period_end,
    collections.calendar_year_end,
    -- The age reference day before the survey day: 31 August of the year before.
    (year(collections.period_start) || '-' || key_dates.age_reference_day)::date
        as age_reference_date,
    (year(collections.period_start) || '-' || key_dates.school_year_start)::date
        as school_year_start_date,
    key_dates.* exclude (age_reference_day, school_year_start),
    limits.* exclude (return_id),
from headers
inner join {{ ref('collections') }} as collections
    on headers.collection_year = collections.collection_year
inner join limits on headers.return_id = limits.return_id
cross join key_dates
left join {{ source('audit', 'extract_settings') }} as settings on headers.return_id = 'built'
