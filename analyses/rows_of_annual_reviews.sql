-- The plans behind a figure of annual_reviews.csv: one row per figure and plan.
-- A figure of several releases is here once. In the names, 25 means the year of the survey and 24
-- the year before it.
with

plans as (
    select
        *,
        coalesce(start_date < year_start, false) as is_expected,
        is_expected and review_meeting is not null as is_met,
        is_met and last_review is not null as is_decided,
        survey_day - review_meeting <= review_days as is_within_time,
        last_review - review_meeting <= review_days as is_in_time,
    from {{ ref('plans_at_survey_day') }}
),

judged as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        request_id is not null as total_ehc_plans,
        is_expected as review_expected,
        not is_expected as review_not_expected,
        is_met and review_meeting > year_end as review_meeting_25,
        is_met and review_meeting between year_start and year_end as review_meeting_24,
        is_met and review_meeting < year_start as review_meeting_prior_24,
        is_met and review_meeting >= year_start as review_completed,
        is_met as total_review_meeting,
        is_expected and not is_met as no_review_meeting,
        is_decided and last_review > year_end as review_decision25,
        is_decided and last_review between year_start and year_end as review_decision24,
        is_decided and last_review < year_start as review_decision_prior24,
        is_met and is_within_time as review_decision_not_due,
        is_met and not is_decided and is_within_time as review_undecided_not_due,
        is_met and not is_decided and not is_within_time as review_decision_outstanding,
        is_expected and review_outcome_word = 'amend' as outcome_amend,
        is_expected and review_outcome_word = 'cease' as outcome_cease,
        is_expected and review_outcome_word = 'maintain' as outcome_maintan,
        is_met and coalesce(review_outcome_word not in ('amend', 'cease', 'maintain'), true)
            as no_outcome,
        is_decided and is_in_time as number_decsion_4weeks,
        is_decided and not is_in_time as number_decision_gt_4weeks,
    from ({{ in_breakdowns('annual_reviews', 'plans') }})
),

counted as (
    {{ figures_counting('judged') }}
)

{{ rows_behind('counted', 'active_plans') }}
