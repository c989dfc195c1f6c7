-- One row per case as it is (moved_column is null), and one for each date moved across a boundary.
-- The moved ones show which cases a small slip of one date would bring in or leave out.
{% set columns = [
    'received_date',
    'request_decision_date',
    'request_withdrawn_date',
    'moved_date',
    'assessment_decision_date',
    'assessment_withdrawn_date',
    'start_date',
    'transferred_date',
    'cease_date',
] %}
with

cases as (
    select * from {{ ref('cases') }}
),

survey as (
    select * from {{ ref('survey') }}
),

-- Scope can only change where a date passes one of these days.
boundary_days as (
    select distinct unnest([
        period_start - 1,
        period_start,
        period_end,
        period_end + 1,
        survey_day,
        survey_day + 1,
    ]) as boundary_day,
    from survey
),

near_miss as (
    select value::integer as days,
    from {{ ref('thresholds') }}
    where name = 'near_miss_days'
)

select
    cases.*,
    null as moved_column,
from cases
{% for column in columns %}
    union all
    select
        cases.* replace (boundary_day as {{ column }}),
        '{{ column }}' as moved_column,
    from cases
    cross join near_miss
    inner join boundary_days
        on boundary_day between cases.{{ column }} - near_miss.days
            and cases.{{ column }} + near_miss.days
    where boundary_day <> cases.{{ column }}
{% endfor %}
