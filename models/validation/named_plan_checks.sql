-- One row per EHC plan per return: the rules on its dates, its budget, and the settings it names.
with

people as (
    select
        return_id,
        person_id,
        min(person_birth_date) as person_birth_date,
    from {{ ref('person') }}
    group by all
),

-- A file may hold a part of a request twice, which is reported; here one of each is enough.
requests as (
    select
        return_id,
        request_id,
        min(received_date) as received_date,
        min(request_outcome_date) as request_outcome_date,
        min(exported) as exported,
    from {{ ref('requests') }}
    group by all
),

assessments as (
    select
        return_id,
        request_id,
        min(assessment_outcome) as assessment_outcome,
        min(assessment_outcome_date) as assessment_outcome_date,
    from {{ ref('assessment') }}
    group by all
),

active_plans as (
    select
        return_id,
        request_id,
        min(transfer_la) as transfer_la,
    from {{ ref('active_plans') }}
    group by all
),

placements as (
    select
        return_id,
        request_id,
        min(entry_date) as entry_date,
        max(leaving_date) as leaving_date,
        list(entry_date) || list(leaving_date) as placement_dates,
    from {{ ref('placement_detail') }}
    group by all
),

settings_named as (
    select
        return_id,
        request_id,
        string_agg(placement_rank, ', ' order by placement_rank) as placement_rank,
        count(*) as settings,
        count(*) filter (placement_rank = '1') as main_settings,
        count(*) filter (placement_rank = '2') as second_settings,
    from {{ ref('plan_detail') }}
    group by all
),

plans as (
    select
        named_plan.*,
        named_plan.request_id as record_id,
        people.person_birth_date,
        requests.* exclude (return_id, request_id),
        assessments.* exclude (return_id, request_id),
        active_plans.transfer_la,
        placements.* exclude (return_id, request_id),
        settings_named.placement_rank,
        coalesce(settings_named.settings, 0) as settings,
        settings_named.main_settings,
        settings_named.second_settings,
        -- The age reference day of the year in which the plan ceased.
        (
            returns.age_reference_date
            + to_years((year(named_plan.cease_date) - year(returns.age_reference_date))::integer)
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
    from {{ ref('named_plan') }} as named_plan
    inner join {{ ref('returns') }} as returns on named_plan.return_id = returns.return_id
    left join people
        on named_plan.return_id = people.return_id and named_plan.person_id = people.person_id
    left join requests
        on named_plan.return_id = requests.return_id
            and named_plan.request_id = requests.request_id
    left join assessments
        on named_plan.return_id = assessments.return_id
            and named_plan.request_id = assessments.request_id
    left join active_plans
        on named_plan.return_id = active_plans.return_id
            and named_plan.request_id = active_plans.request_id
    left join placements
        on named_plan.return_id = placements.return_id
            and named_plan.request_id = placements.request_id
    left join settings_named
        on named_plan.return_id = settings_named.return_id
            and named_plan.request_id = settings_named.request_id
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
        count(*) filter (cease_date is null) over (partition by return_id, person_id)
            as open_plans,
        max(coalesce(cease_date, 'infinity'::date)) over (
            partition by return_id, person_id
            order by start_date nulls last, request_id
            rows between unbounded preceding and 1 preceding
        ) as end_before,
    from plans
),

judged as (
    select
        * exclude (
            placement_dates,
            settings,
            main_settings,
            second_settings,
            cease_year_reference_date,
            collection_year,
            survey_day,
            period_start,
            plans_began,
            placeholder_day,
            max_plan_age,
            adult_estate_age,
            work_based_age_from,
            leaver_reason_age_from,
            school_year_end,
            case_dates,
            open_plans,
            end_before
        ),

        -- the start date is missing
        start_date is null as rule_n01,

        -- the plan starts after the survey day, or before the person was born
        start_date > survey_day or start_date < person_birth_date as rule_n02,

        -- the plan does not start on the day it was issued
        assessment_outcome = 'Y' and start_date <> assessment_outcome_date as rule_n03,

        -- the assessment is historical, but the plan starts in the period, not transferred in
        assessment_outcome = 'H' and start_date >= period_start and transfer_la is null
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
        pb is distinct from '1' and coalesce(oa <> '0' or dp is not null, dp is not null)
            as rule_n10,

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

        -- the plan ended for maximum age, too young for it and for a plan's end in the adult estate
        cease_reason = '1'
        and {{ age_on('person_birth_date', 'school_year_end') }} < max_plan_age
        and coalesce({{ age_on('person_birth_date', 'cease_date') }} < adult_estate_age, true)
            as rule_n16,

        -- the plan ended for higher education, employment or no wish to learn, too young for it
        cease_reason in ('3', '4', '6')
        and {{ age_on('person_birth_date', 'cease_date') }} < leaver_reason_age_from as rule_n17,

        -- the plan names no setting
        settings = 0 as rule_n18,

        -- of the settings named not exactly one is the main one, or more than one is the second
        main_settings <> 1 or second_settings > 1 as rule_n25,

        -- this plan has not ended, nor has another of the person's
        cease_date is null and open_plans > 1 as rule_n29,

        -- the plan starts before an earlier one of the person has ended
        end_before > start_date as rule_n30,

        -- the plan ended by transfer, and the person moved away before the assessment was complete
        cease_reason = '5' and exported is not null as rule_n31,

        -- the answer on organised arrangements is given and is not a code
        not {{ is_listed('oa', 'OA') }} as rule_o02,

        -- the case has two dates or more, and all fall on the stand-in day of the year
        len(case_dates) > 1
        and len(
            list_filter(case_dates, lambda day: strftime(day, '%m-%d') <> placeholder_day)
        ) = 0 as rule_o10,

        -- the plan starts before its request was received, and was not transferred in
        start_date < received_date and transfer_la is null as rule_o11,

        -- there is a budget, and neither arrangements nor payments
        pb = '1' and coalesce(oa <> '1', true) and dp is null as rule_n33,
    from plans_in_order
)

{{ settled('judged') }}
