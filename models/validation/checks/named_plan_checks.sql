-- One row per EHC plan per return: the rules on its dates, its budget, and the settings it names.
with

plans as (
    select
        cases.*,
        cases.request_id as record_id,
        -- The age reference day of the year in which the plan ceased.
        (
            returns.age_reference_date
            + to_years((year(cases.cease_date) - year(returns.age_reference_date))::integer)
        )::date as cease_year_reference_date,
        returns.collection_year,
        returns.survey_day,
        returns.period_start,
        returns.plans_began,
        returns.placeholder_day,
        returns.max_plan_age,
        returns.adult_estate_age,
        returns.work_based_age_from,
        returns.leaver_reason_age_from,
    from {{ ref('case_records') }} as cases
    inner join {{ ref('returns') }} as returns on cases.return_id = returns.return_id
    where cases.has_named_plan
),

plans_in_order as (
    select
        *,
        -- The end of the school year in which the plan ceased.
        case
            when cease_date <= cease_year_reference_date then cease_year_reference_date
            else (cease_year_reference_date + to_years(1))::date
        end as school_year_end,
        list_filter(
            [
                start_date,
                cease_date,
                received_date,
                request_outcome_date,
                assessment_outcome_date
            ] || coalesce(placement_dates, []),
            lambda day: day is not null
        ) as case_dates,
        row_number() over (
            partition by return_id, person_id, cease_date is null
            order by start_date desc nulls last, request_id desc
        ) as place_from_newest,
        max(cease_date) over earlier_plans as end_before,
        coalesce(bool_or(cease_date is null) over earlier_plans, false) as has_open_before,
    from plans
    window earlier_plans as (
        partition by return_id, person_id
        order by start_date nulls last, request_id
        rows between unbounded preceding and 1 preceding
    )
),

judged as (
    select
        return_id,
        person_id,
        request_id,
        record_id,
        person_birth_date,
        received_date,
        request_outcome_date,
        exported,
        assessment_outcome_date,
        assessment_outcome,
        start_date,
        plan_res,
        plan_wbp,
        pb,
        oa,
        dp,
        cease_date,
        cease_reason,
        transfer_la,
        setting_ranks as placement_rank,
        first_entry_date as entry_date,
        last_leaving_date as leaving_date,
        case
            when was_out_of_education_at_end
                then 'PlacementDetail out of education when the plan ended'
            when was_at_school_after_end then 'PlacementDetail at a school after the plan ended'
        end as beside_n34,

        -- the start date is missing
        start_date is null as rule_n01,

        -- the plan starts after the survey day, or before the person was born
        start_date > survey_day or start_date < person_birth_date as rule_n02,

        -- the plan does not start on the day it was issued
        assessment_outcome_word = 'issued' and start_date <> assessment_outcome_date as rule_n03,

        -- the assessment is historical, but the plan starts in the period, not transferred in
        assessment_outcome_word = 'historical' and start_date >= period_start
        and not is_transferred_in
            as rule_n04,

        -- the plan starts before there were EHC plans
        start_date < plans_began as rule_n05,

        -- the residential setting is given and is not a code
        not {{ is_listed('plan_res', 'Residential') }} as rule_n06,

        -- the work-based learning is given and is not a code
        not {{ is_listed('plan_wbp', 'WorkBasedLearning') }} as rule_n07,

        -- work-based learning is named for a person too young for it
        plan_wbp is not null
        and {{ age_on('person_birth_date', 'survey_day') }} < work_based_age_from as rule_n08,

        -- the answer on a personal budget is missing or not a code
        coalesce(not {{ is_listed('pb', 'PB') }}, true) as rule_n09,

        -- there are arrangements or payments, and no budget
        coalesce(pb_word <> 'yes', true)
        and (dp is not null or coalesce(oa_word <> 'no', oa is not null)) as rule_n10,

        -- the kind of direct payment is given and is not a code
        not {{ is_listed('dp', 'DP') }} as rule_n11,

        -- the plan ends before it starts, or after the survey day
        cease_date < start_date or cease_date > survey_day as rule_n12,

        -- the plan ended before the period
        cease_date < period_start as rule_n13,

        -- only one of the end date and the reason is given
        (cease_date is null) <> (cease_reason is null) as rule_n14,

        -- the reason is given and is not a code
        not {{ is_listed('cease_reason', 'CeaseReason') }} as rule_n15,

        -- the plan ended for maximum age, not in the school year of it nor at the adult estate's
        -- age
        cease_reason_word = 'maximum_age'
        and {{ age_on('person_birth_date', 'school_year_end') }} < max_plan_age
        and coalesce({{ age_on('person_birth_date', 'cease_date') }} <> adult_estate_age, true)
            as rule_n16,

        -- the plan ended for higher education, employment or no wish to learn, too young for it
        cease_reason_word in ('higher_education', 'employment', 'left_education')
        and {{ age_on('person_birth_date', 'cease_date') }} < leaver_reason_age_from as rule_n17,

        -- the plan names no setting
        setting_count = 0 as rule_n18,

        -- of the settings named not exactly one is the main one, or more than one is the second
        setting_count > 0 and (main_setting_count <> 1 or second_setting_count > 1) as rule_n25,

        -- this plan has not ended, nor has a newer one of the person's
        cease_date is null and place_from_newest > 1 as rule_n29,

        -- the plan starts before an earlier one of the person has ended, and was not transferred
        -- in; where both are open, another rule says so
        not is_transferred_in
        and (
            end_before > start_date
            or (has_open_before and start_date is not null and cease_date is not null)
        ) as rule_n30,

        -- the plan ended by transfer, and the person moved away before the assessment was complete
        cease_reason_word = 'transferred' and is_moved_away as rule_n31,

        -- the answer on organised arrangements is given and is not a code
        not {{ is_listed('oa', 'OA') }} as rule_o02,

        -- the case has two dates or more, and all fall on the stand-in day of the year
        len(case_dates) > 1
        and len(
            list_filter(case_dates, lambda day: strftime(day, '%m-%d') <> placeholder_day)
        ) = 0 as rule_o10,

        -- the plan starts before its request was received, and was not transferred in
        start_date < received_date and not is_transferred_in as rule_o11,

        -- there is a budget, and neither arrangements nor payments
        pb_word = 'yes' and coalesce(oa_word <> 'yes', true) and dp is null as rule_n33,

        -- needs were met while out of education, or education was left with a school still attended
        (cease_reason_word = 'needs_met' and was_out_of_education_at_end)
        or (cease_reason_word = 'left_education' and was_at_school_after_end) as rule_n34,
    from plans_in_order
)

{{ settled('judged') }}
