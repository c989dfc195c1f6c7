-- One row per return and breakdown: assessments concluded in the calendar year, by outcome.
{% set refusals = '(outcome_decision_within_time + outcome_decision_over_time)' %}
with

counted as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        count(request_id) as assess_in_year,
        count(*) filter (assessment_outcome_word = 'issued') as assess_issued,
        count(*) filter (assessment_outcome_word = 'refused') as assess_not_issued,
        count(*) filter (assessment_outcome_word = 'undecided') as assess_not_made,
        count(*) filter (assessment_outcome_word = 'withdrawn') as assess_withdrawn,
        count(*) filter (assessment_outcome_word = 'refused' and days <= refuse_days)
            as outcome_decision_within_time,
        count(*) filter (assessment_outcome_word = 'refused' and days > refuse_days)
            as outcome_decision_over_time,
        count(*) filter (has_assessment_mediation) as number_assess_mediation,
        count(*) filter (has_assessment_tribunal) as number_assess_tribunal,
        count(*) filter (has_assessment_mediation and has_assessment_tribunal)
            as number_asssess_mediation_tribunal,
        count(*) filter (has_other_mediation) as number_other_mediation,
        count(*) filter (has_other_tribunal) as number_other_tribunal,
        count(*) filter (has_other_mediation and has_other_tribunal)
            as number_other_mediation_tribunal,
    from ({{ in_breakdowns('assessments', ref('assessments_concluded')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
),

figures as (
    select
        *,
        {{ share_of('assess_issued', 'assess_in_year') }} as assess_issued_pc,
        {{ share_of('assess_not_issued', 'assess_in_year') }} as assess_not_issued_pc,
        {{ share_of('assess_not_made', 'assess_in_year') }} as assess_not_made_pc,
        {{ share_of('assess_withdrawn', 'assess_in_year') }} as assess_withdrawn_pc,
        {{ share_of('outcome_decision_within_time', refusals) }}
            as outcome_decision_within_time_pc,
        {{ share_of('outcome_decision_over_time', refusals) }} as outcome_decision_over_time_pc,
    from counted
)

{{ as_published('figures', 'calendar_year', 'Calendar year') }}
