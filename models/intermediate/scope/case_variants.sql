-- One row per case as it is (moved_column is null), and one for each date moved across a boundary.
-- The moved ones show which cases a small slip of one date would bring in or leave out.
{% set columns = [
    'received_date',
    'request_decision_date',
    'request_withdrawn_date',
    'moved_date',
    'agreed_date',
    'issue_decided_date',
    'assessment_decision_date',
    'assessment_withdrawn_date',
    'start_date',
    'transferred_date',
    'cease_date',
] %}
with

-- Scope can only change where a date passes a day of the survey or another date of its case.
cases as (
    select
        cases.*,
        limits.near_miss_days,
        [
            survey.period_start - 1,
            survey.period_start,
            survey.period_end,
            survey.period_end + 1,
            survey.survey_day,
            survey.survey_day + 1,
        ] as survey_days,
    from {{ ref('cases') }} as cases
    cross join {{ ref('survey') }} as survey
    inner join {{ ref('year_limits') }} as limits
        on survey.collection_year = limits.collection_year
),

moved as (
    {% for column in columns %}
        select
            *,
            '{{ column }}' as moved_column,
            unnest(list_distinct(list_filter(
                list_concat(
                    survey_days,
                    [
                        {% for other in ['birth_date'] + columns if other != column %}
                            {{ other }} - 1, {{ other }}, {{ other }} + 1{{ ',' if not loop.last }}
                        {% endfor %}
                    ]
                ),
                lambda day: abs(day - {{ column }}) <= near_miss_days and day <> {{ column }}
            ))) as boundary_day,
        from cases
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    * exclude (near_miss_days, survey_days),
    null as moved_column,
from cases
union all by name
select
    * exclude (near_miss_days, survey_days, boundary_day) replace (
        {% for column in columns %}
            case when moved_column = '{{ column }}' then boundary_day else {{ column }} end
                as {{ column }},
        {% endfor %}
    ),
from moved
