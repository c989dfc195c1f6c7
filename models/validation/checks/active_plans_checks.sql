-- One row per request with active plans or a named plan, per return.
with

records as (
    select
        cases.*,
        returns.* exclude (return_id),
    from {{ ref('case_records') }} as cases
    inner join {{ ref('returns') }} as returns on cases.return_id = returns.return_id
    where cases.has_active_plans or cases.has_named_plan
),

judged as (
    select
        return_id,
        person_id,
        request_id,
        request_id as record_id,
        transfer_la,
        res,
        wbp,
        review_meeting,
        review_outcome,
        review_draft,
        phase_transfer_due_date,
        phase_transfer_final_date,
        last_review,
        start_date,
        cease_date,
        person_birth_date,
        need_ranks as sen_type_rank,
        open_placement_ranks as placement_rank,
        last_main_leaving_date as leaving_date,
        last_left_main_id as points_at_d09,
        if(open_main_count > 1, first_open_main_id, first_open_second_id) as points_at_d24,

        -- an active plan has no placement
        has_active_plans and placement_count = 0 as rule_d01,

        -- a plan active on the survey day has no main placement open then
        has_active_plans and is_plan_active and open_main_count = 0 as rule_d09,

        -- the residential stay or the work-based learning is given and not a code
        not {{ is_listed('res', 'Residential') }} or not {{ is_listed('wbp', 'WorkBasedLearning') }}
            as rule_d20,

        -- a plan that was active in the period has no placements and needs
        not has_active_plans and has_plan_in_period as rule_l01,

        -- placements and needs are there and the plan is not
        not has_named_plan as rule_l02,

        -- the authority the plan came from is not one of this year's, or is the return's own
        not {{ is_listed('transfer_la', 'LA') }} or transfer_la = return_la as rule_l03,

        -- there is no type of need
        has_active_plans and need_count = 0 as rule_l04,

        -- there are types of need, and none is the main one
        has_active_plans and need_count > 0 and main_need_count = 0 as rule_l06,

        -- the review meeting is after the survey day or before the plan started
        review_meeting > survey_day or review_meeting < start_date as rule_l08,

        -- there is a review decision and no meeting date
        review_outcome is not null and review_meeting is null as rule_l09,

        -- the review decision is dated before the meeting it follows
        review_outcome is not null and last_review < review_meeting as rule_l10,

        -- the review decision has no date, or the date (if not of an earlier review) no decision
        (review_outcome is not null and last_review is null)
        or (
            review_outcome is null
            and last_review is not null
            and coalesce(last_review >= review_meeting, true)
        ) as rule_l11,

        -- a draft is given and the decision was not to amend, or the draft is before the meeting
        review_draft is not null
        and (review_outcome_word is distinct from 'amend' or review_draft < review_meeting)
            as rule_l12,

        -- the review decision came more days after the meeting than allowed
        last_review > review_meeting + review_days as rule_l13,

        -- an active plan is older than the time between reviews and has had no review in that time,
        -- by its meeting or its decision
        has_active_plans
        and is_plan_active
        and start_date < survey_day - to_months(review_interval_months)
        and coalesce(
            greatest(review_meeting, last_review) < survey_day - to_months(review_interval_months),
            true
        ) as rule_l14,

        -- the same, of the meeting alone since its date is compulsory
        has_active_plans
        and is_plan_active
        and start_date < survey_day - to_months(review_interval_months)
        and coalesce(review_meeting < survey_day - to_months(review_interval_months), true)
            as rule_l14__from_2025,

        -- the phase transfer of a person too young to move between post-16 settings is due on
        -- neither of the days the law sets
        strftime(phase_transfer_due_date, '%m-%d')
        not in (phase_transfer_day, phase_transfer_post16_day)
        and {{ age_on('person_birth_date', 'phase_transfer_due_date') }} <= school_age_to
            as rule_l15,

        -- the final plan of the phase transfer has no due date, or is later than it
        phase_transfer_final_date is not null
        and coalesce(phase_transfer_final_date > phase_transfer_due_date, true) as rule_l16,

        -- the final plan of the phase transfer has no due date
        phase_transfer_final_date is not null and phase_transfer_due_date is null as rule_l17,

        -- the authority the plan came from is unknown or outside the UK
        transfer_la_word = 'unknown_or_abroad' as rule_l18,

        -- the review decision is given and not a code
        review_outcome is not null and not {{ is_listed('review_outcome', 'ReviewOutcome') }}
            as rule_o01,

        -- a review decision, draft or final plan is after the survey day, or the decision is before
        -- the plan started
        last_review > survey_day
        or last_review < start_date
        or review_draft > survey_day
        or phase_transfer_final_date > survey_day as rule_o16,

        -- the authority the plan came from was one of an earlier year's and is not of this year's
        transfer_la in (
            select code from {{ ref('codes') }}
            where codeset = 'LA' and year_to < collection_year
        )
        and not {{ is_listed('transfer_la', 'LA') }} as rule_o22,

        -- two main placements, or two second ones, are open on the survey day
        has_active_plans and is_plan_active and (open_main_count > 1 or open_second_count > 1)
            as rule_d24,

        -- two types of need are the main one or the second one, or one is neither
        main_need_count > 1
        or second_need_count > 1
        or need_count > main_need_count + second_need_count as rule_l19,

        -- the plan is to be amended, and no draft followed within the time after the meeting
        is_plan_active
        and review_outcome_word = 'amend'
        and review_draft is null
        and review_meeting < survey_day - review_draft_days as rule_l20,

        -- a review meeting or decision is dated after the plan ended
        review_meeting > cease_date or last_review > cease_date as rule_l21,

        -- it was decided to end the plan longer ago than that takes, and the plan goes on
        review_outcome_word = 'cease'
        and is_plan_active
        and coalesce(last_review, review_meeting) < survey_day - cease_days as rule_l22,

        -- the phase transfer of an active plan was due by the survey day, and is not final
        is_plan_active
        and phase_transfer_due_date between period_start and survey_day
        and phase_transfer_final_date is null as rule_l23,

        -- the phase transfer is due before the period, or too long after the survey day
        phase_transfer_due_date < period_start
        or phase_transfer_due_date > survey_day + to_months(phase_transfer_ahead_months)
            as rule_l24,

        -- an active plan of a child in the last year of a phase has no due date of a transfer
        is_plan_active
        and phase_transfer_due_date is null
        and {{ age_on('person_birth_date', 'age_reference_date') }} in (
            phase_transfer_age_first, phase_transfer_age_second, phase_transfer_age_third
        ) as rule_l25,

        -- the draft amended plan is dated before the decision to amend
        review_outcome_word = 'amend' and review_draft < last_review as rule_l26,
    from records
)

{{ settled('judged') }}
