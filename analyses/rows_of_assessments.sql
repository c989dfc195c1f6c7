-- The assessments behind a figure of assessments.csv: one row per figure and assessment.
-- A percentage is made of the count it is a share of.
with

judged as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        request_id is not null as assess_in_year,
        assessment_outcome_word = 'issued' as assess_issued,
        assessment_outcome_word = 'refused' as assess_not_issued,
        assessment_outcome_word = 'undecided' as assess_not_made,
        assessment_outcome_word = 'withdrawn' as assess_withdrawn,
        assessment_outcome_word = 'refused' and days <= refuse_days as outcome_decision_within_time,
        assessment_outcome_word = 'refused' and days > refuse_days as outcome_decision_over_time,
        has_assessment_mediation as number_assess_mediation,
        has_assessment_tribunal as number_assess_tribunal,
        has_assessment_mediation and has_assessment_tribunal as number_asssess_mediation_tribunal,
        has_other_mediation as number_other_mediation,
        has_other_tribunal as number_other_tribunal,
        has_other_mediation and has_other_tribunal as number_other_mediation_tribunal,
    from ({{ in_breakdowns('assessments', ref('assessments_concluded')) }})
),

counted as (
    {{ figures_counting('judged') }}
)

{{ rows_behind('counted', 'assessment') }}
