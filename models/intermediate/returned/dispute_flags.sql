-- One row per case with a dispute by the survey day: was there mediation, an appeal, about what.
with

happened as (
    select
        disputes.request_id,
        disputes.kind,
        disputes.about,
        coalesce(disputes.dispute_date between survey.period_start and survey.period_end, true)
            as is_in_period,
    from {{ ref('case_disputes') }} as disputes
    cross join {{ ref('survey') }} as survey
    where coalesce(disputes.dispute_date <= survey.survey_day, true)
)

select
    request_id,
    {% for about in ('assess', 'issue', 'other') %}
        {% for kind in ('mediation', 'appeal') %}
            bool_or(about = '{{ about }}' and kind = '{{ kind }}') as has_{{ about }}_{{ kind }},
        {% endfor %}
    {% endfor %}
    bool_or(about = 'other' and kind = 'mediation' and is_in_period)
        as has_other_mediation_in_period,
    bool_or(about = 'other' and kind = 'appeal' and is_in_period) as has_other_appeal_in_period,
from happened
group by request_id
