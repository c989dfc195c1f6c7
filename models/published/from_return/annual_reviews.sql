-- One row per return and breakdown: annual reviews of the plans in force on the survey day.
-- A figure of several releases is here once. In the names, 25 means the year of the survey and 24
-- the year before it.
{% set decisions = '(number_decsion_4weeks + number_decision_gt_4weeks)' %}
with

-- A review is expected of a plan that started before the calendar year.
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

counted as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        count(request_id) as total_ehc_plans,
        count(*) filter (is_expected) as review_expected,
        count(*) filter (not is_expected) as review_not_expected,
        count(*) filter (is_met and review_meeting > year_end) as review_meeting_25,
        count(*) filter (is_met and review_meeting between year_start and year_end)
            as review_meeting_24,
        count(*) filter (is_met and review_meeting < year_start) as review_meeting_prior_24,
        -- The latest meeting alone is returned: one since the calendar year hides one in it.
        count(*) filter (is_met and review_meeting >= year_start) as review_completed,
        count(*) filter (is_met) as total_review_meeting,
        count(*) filter (is_expected and not is_met) as no_review_meeting,
        count(*) filter (is_decided and last_review > year_end) as review_decision25,
        count(*) filter (is_decided and last_review between year_start and year_end)
            as review_decision24,
        count(*) filter (is_decided and last_review < year_start) as review_decision_prior24,
        -- Not due is a matter of the meeting alone: a decision already made does not change it.
        count(*) filter (is_met and is_within_time) as review_decision_not_due,
        count(*) filter (is_met and not is_decided and not is_within_time)
            as review_decision_outstanding,
        -- For the page, whose parts add up: those not due that are not decided either.
        count(*) filter (is_met and not is_decided and is_within_time) as review_undecided_not_due,
        -- An outcome counts without a meeting too, and what is left of the meetings is without one:
        -- DfE has published fewer than none.
        count(*) filter (is_expected and review_outcome_word = 'amend') as outcome_amend,
        count(*) filter (is_expected and review_outcome_word = 'cease') as outcome_cease,
        count(*) filter (is_expected and review_outcome_word = 'maintain') as outcome_maintan,
        total_review_meeting - outcome_amend - outcome_cease - outcome_maintan as no_outcome,
        count(*) filter (is_decided and is_in_time) as number_decsion_4weeks,
        count(*) filter (is_decided and not is_in_time) as number_decision_gt_4weeks,
    from ({{ in_breakdowns('annual_reviews', 'plans') }})
    group by return_id, position, breakdown_topic, breakdown, is_known
),

figures as (
    select
        *,
        {{ share_of('number_decsion_4weeks', decisions) }} as pc_decsion_4weeks,
        {{ share_of('number_decision_gt_4weeks', decisions) }} as pc_decision_gt_4weeks,
    from counted
),

-- In the first year there were no review meetings to count.
figures_collected as (
    select
        figures.return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        total_ehc_plans,
        review_expected,
        review_not_expected,
        case
            when has_reviews then columns(
                * exclude (
                    return_id, position, breakdown_topic, breakdown, is_known, total_ehc_plans,
                    review_expected, review_not_expected, has_reviews
                )
            )
        end,
    from figures
    inner join (
        select
            return_id,
            has_reviews,
        from {{ ref('published_returns') }}
    ) as returns on figures.return_id = returns.return_id
)

{{ as_published('figures_collected', 'calendar_year', 'Calendar year') }}
