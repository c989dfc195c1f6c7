-- One row per request with active plans or a named plan, per return.
with

-- Placements and needs count by the request they hang from; a placement is open on a day that is
-- not before its start and before the day of leaving.
placements as (
    select
        placement_detail.return_id,
        placement_detail.request_id,
        placement_detail.placement_rank,
        placement_detail.leaving_date,
        coalesce(placement_detail.entry_date <= returns.survey_day, true)
        and coalesce(placement_detail.leaving_date > returns.survey_day, true) as is_open,
    from {{ ref('placement_detail') }} as placement_detail
    inner join {{ ref('returns') }} as returns on placement_detail.return_id = returns.return_id
),

placements_of_requests as (
    select
        return_id,
        request_id,
        count(*) as placement_count,
        count(*) filter (is_open and placement_rank = '1') as open_main_count,
        count(*) filter (is_open and placement_rank = '2') as open_second_count,
        list_sort(list(placement_rank) filter (is_open)) as placement_ranks,
        max(leaving_date) filter (placement_rank = '1') as leaving_date,
    from placements
    group by return_id, request_id
),

needs_of_requests as (
    select
        return_id,
        request_id,
        count(*) as need_count,
        count(*) filter (sen_type_rank = '1') as main_need_count,
        count(*) filter (sen_type_rank = '2') as second_need_count,
        list_sort(list(sen_type_rank)) as sen_type_ranks,
    from {{ ref('sen_need') }}
    group by return_id, request_id
),

requests as (
    select
        *,
        active_plans.return_id is not null as has_active_plans,
        named_plan.return_id is not null as has_named_plan,
    from {{ ref('active_plans') }} as active_plans
    full outer join {{ ref('named_plan') }} as named_plan
        using (return_id, person_id, request_id)
),

records as (
    select
        requests.*,
        requests.has_named_plan
        and coalesce(requests.start_date <= returns.survey_day, true)
        and coalesce(requests.cease_date > returns.survey_day, true) as is_active,
        person.person_birth_date,
        array_to_string(needs.sen_type_ranks, ', ') as sen_type_rank,
        coalesce(needs.need_count, 0) as need_count,
        coalesce(needs.main_need_count, 0) as main_need_count,
        coalesce(needs.second_need_count, 0) as second_need_count,
        array_to_string(placements.placement_ranks, ', ') as placement_rank,
        placements.leaving_date,
        coalesce(placements.placement_count, 0) as placement_count,
        coalesce(placements.open_main_count, 0) as open_main_count,
        coalesce(placements.open_second_count, 0) as open_second_count,
        returns.* exclude (return_id),
    from requests
    inner join {{ ref('returns') }} as returns on requests.return_id = returns.return_id
    left join {{ ref('person') }} as person
        on requests.return_id = person.return_id and requests.person_id = person.person_id
    left join needs_of_requests as needs
        on requests.return_id = needs.return_id and requests.request_id = needs.request_id
    left join placements_of_requests as placements
        on requests.return_id = placements.return_id
            and requests.request_id = placements.request_id
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
        sen_type_rank,
        placement_rank,
        leaving_date,

        -- an active plan has no placement
        has_active_plans and placement_count = 0 as rule_d01,

        -- a plan active on the survey day has no main placement open then
        has_active_plans and is_active and open_main_count = 0 as rule_d09,

        -- the residential stay or the work-based learning is given and not a code
        not {{ is_listed('res', 'Residential') }} or not {{ is_listed('wbp', 'WorkBasedLearning') }}
            as rule_d20,

        -- a plan that was active in the period has no placements and needs
        not has_active_plans
        and coalesce(start_date <= survey_day, true)
        and coalesce(cease_date >= period_start, true) as rule_l01,

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
        and (review_outcome is distinct from 'A' or review_draft < review_meeting) as rule_l12,

        -- the review decision came more days after the meeting than allowed
        last_review > review_meeting + review_days as rule_l13,

        -- an active plan is older than the time between reviews and has had no review in that time
        has_active_plans
        and is_active
        and start_date < survey_day - to_months(review_interval_months)
        and coalesce(review_meeting < survey_day - to_months(review_interval_months), true)
            as rule_l14,

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
        transfer_la = 'XXX' as rule_l18,

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
        has_active_plans and is_active and (open_main_count > 1 or open_second_count > 1)
            as rule_d24,

        -- two types of need are the main one or the second one, or one is neither
        main_need_count > 1
        or second_need_count > 1
        or need_count > main_need_count + second_need_count as rule_l19,

        -- the plan is to be amended, and no draft followed within the time after the meeting
        is_active
        and review_outcome = 'A'
        and review_draft is null
        and review_meeting < survey_day - review_draft_days as rule_l20,
    from records
)

{{ settled('judged') }}
