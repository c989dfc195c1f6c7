-- One row per request per return: the rules on the request and on what hangs from it.
with

returns as (
    select * from {{ ref('returns') }}
),

cases as (
    select * from {{ ref('case_records') }}
),

-- The plan that the person already had when the request was received.
plans_held_before as (
    select
        cases.return_id,
        cases.request_id,
        plans.start_date as held_start_date,
        plans.cease_date as held_cease_date,
    from cases
    inner join cases as plans
        on cases.return_id = plans.return_id
            and cases.person_id = plans.person_id
            and cases.request_id <> plans.request_id
            and cases.received_date > plans.start_date
            and cases.received_date < coalesce(plans.cease_date, 'infinity')
    where plans.has_named_plan
    qualify row_number() over (
        partition by cases.return_id, cases.request_id
        order by plans.start_date desc, plans.request_id asc
    ) = 1
),

counted as (
    select
        cases.*,
        held.held_start_date,
        held.held_cease_date,
        held.request_id is not null as has_plan_before,
        coalesce('yes' in (cases.request_mediation_word, cases.request_tribunal_word), false)
            as has_dispute,
        row_number() over (
            partition by cases.return_id, cases.person_id, cases.received_date
            order by cases.request_id
        ) as same_day_place,
        row_number() over (
            partition by cases.return_id, cases.person_id, cases.is_open
            order by cases.received_date desc nulls last, cases.request_id desc
        ) as place_from_newest,
        returns.collection_year,
        returns.return_la,
        returns.survey_day,
        returns.period_start,
        returns.decide_days,
        returns.rya_age_from,
        returns.rya_age_to,
        returns.max_plan_age,
    from cases
    inner join returns on cases.return_id = returns.return_id
    left join plans_held_before as held
        on cases.return_id = held.return_id and cases.request_id = held.request_id
),

judged as (
    select
        return_id,
        person_id,
        request_id,
        request_id as record_id,
        received_date,
        request_source,
        rya,
        request_outcome_date,
        request_outcome,
        request_mediation,
        request_tribunal,
        exported,
        person_birth_date,
        assessment_outcome,
        assessment_outcome_date,
        start_date,
        cease_date,
        transfer_la,
        'ReceivedDate ' || received_date || '; the plan then held: StartDate ' || held_start_date
        || '; CeaseDate ' || coalesce(held_cease_date::varchar, 'blank') as found_o24,
        concat_ws(
            '; ',
            if(has_named_plan, 'StartDate ' || coalesce(start_date::varchar, 'blank'), null),
            'PlacementDetail ' || nullif(placement_count, 0)
        ) as beside_r17,

        -- the outcome is missing or not a code of the year
        coalesce(not {{ is_listed('request_outcome', 'RequestOutcome') }}, true) as rule_r01,

        -- the date received is missing, and the request is not historical
        received_date is null and not is_request_historical as rule_r02,

        -- the request is dated after the survey day
        received_date > survey_day as rule_r03,

        -- the request was received before the person was born
        received_date < person_birth_date as rule_r04,

        -- the source is not a code, or is missing for a request that is not historical (voluntary)
        coalesce(not {{ is_listed('request_source', 'RequestSource') }}, not is_request_historical)
            as rule_r05,

        -- the source is not a code, or is missing for a request that is not historical
        coalesce(not {{ is_listed('request_source', 'RequestSource') }}, not is_request_historical)
            as rule_r06,

        -- youth accommodation is not answered, and the request is not historical
        not is_request_historical
        and coalesce(not {{ is_listed('rya', 'YesNo') }}, true) as rule_r07,

        -- the person was too young or too old for youth accommodation when the request was received
        rya_word = 'yes'
        and {{ age_on('person_birth_date', 'received_date') }}
        not between rya_age_from and rya_age_to
            as rule_r08,

        -- the request was decided, and the date of the decision is missing
        is_request_decided and request_outcome_date is null as rule_r09,

        -- a decision date is given for a request with no decision in the period
        request_outcome_word in ('undecided', 'withdrawn', 'historical')
        and request_outcome_date is not null as rule_r10,

        -- the outcome date is before the request was received
        request_outcome_date < received_date as rule_r11,

        -- the outcome date is outside the period, and the request is not historical
        not is_request_historical and request_outcome_date not between period_start and survey_day
            as rule_r12,

        -- the request was decided, and mediation or appeal is not answered
        is_request_decided
        and coalesce(
            not {{ is_listed('request_mediation', 'RequestMediation') }}
            or not {{ is_listed('request_tribunal', 'RequestTribunal') }},
            true
        ) as rule_r13,

        -- mediation or appeal is answered for a request with no decision in the period
        request_outcome_word in ('undecided', 'withdrawn', 'historical')
        and coalesce(request_mediation, request_tribunal) is not null as rule_r14,

        -- there was an appeal about the decision to assess, and no mediation
        request_tribunal_word = 'yes'
        and coalesce(request_mediation_word <> 'yes', true) as rule_r15,

        -- the authority moved to is not one of the year, or is the return's own
        not {{ is_listed('exported', 'LA') }} or exported = return_la as rule_r16,

        -- the person moved away before the assessment was complete, and a plan or placements follow
        is_moved_away and (has_named_plan or has_active_plans) as rule_r17,

        -- the assessment is missing, and the person did not move away
        request_outcome_word in ('agreed', 'historical') and not is_moved_away
        and not has_assessment
            as rule_r18,

        -- an assessment follows a request that is undecided or withdrawn
        has_assessment and request_outcome_word in ('undecided', 'withdrawn') as rule_r19,

        -- the decision came later than the legal limit
        request_outcome_date - received_date > decide_days as rule_r20,

        -- the request is undecided, and the legal limit has passed
        request_outcome_word = 'undecided' and survey_day - received_date > decide_days as rule_r21,

        -- an earlier row of the person has a request received on the same day
        received_date is not null and same_day_place > 1 as rule_r22,

        -- the request or its assessment is open, and so is a newer one of the person's
        is_open and place_from_newest > 1 as rule_r23,

        -- the plan was transferred in, and the request or the assessment is not historical
        transfer_la is not null
        and (not is_request_historical or assessment_outcome_word is distinct from 'historical')
            as rule_r24,

        -- the request is historical, and no assessment or plan that follows falls in the period
        is_request_historical
        and not is_moved_away
        and not has_assessment_in_period
        and not has_plan_in_period as rule_r25,

        -- an answer that is not due is neither yes nor no
        (
            not is_request_decided
            and (
                not {{ is_listed('request_mediation', 'RequestMediation') }}
                or not {{ is_listed('request_tribunal', 'RequestTribunal') }}
            )
        )
        or (is_request_historical and not {{ is_listed('rya', 'YesNo') }}) as rule_o04,

        -- the request is historical, yet it was received in the period and not transferred in
        is_request_historical and received_date >= period_start
        and not is_transferred_in as rule_o09,

        -- the authority moved to is one of an earlier year only
        not {{ is_listed('exported', 'LA') }}
        and exported in (
            select code,
            from {{ ref('codes') }}
            where codeset = 'LA' and year_to < collection_year
        ) as rule_o21,

        -- the person already had a plan when the request was received
        has_plan_before as rule_o24,

        -- an assessment follows a request that was refused, and no dispute explains it
        has_assessment and request_outcome_word = 'refused' and not has_dispute as rule_r26,

        -- the person moved away unfinished, yet the request was refused or the assessment decided
        is_moved_away
        and (
            assessment_outcome_date is not null
            or (request_outcome_word = 'refused' and not has_dispute)
        ) as rule_r27,

        -- there was a dispute about not assessing, and the outcome is that it was agreed
        request_outcome_word = 'agreed' and has_dispute as rule_r28,

        -- the person was too old for a request when it was received
        {{ age_on('person_birth_date', 'received_date') }} >= max_plan_age as rule_r29,
    from counted
)

{{ settled('judged') }}
