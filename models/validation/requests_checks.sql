-- One row per request per return: the rules on the request and on what hangs from it.
with

returns as (
    select * from {{ ref('returns') }}
),

people as (
    select * from {{ ref('person') }}
),

requests as (
    select * from {{ ref('requests') }}
),

-- A request has at most one of each; a return with more breaks a rule on files.
assessments as (
    select
        return_id,
        request_id,
        max(assessment_outcome) as assessment_outcome,
        max(assessment_outcome_date) as assessment_outcome_date,
        true as has_assessment,
    from {{ ref('assessment') }}
    group by return_id, request_id
),

named_plans as (
    select
        return_id,
        person_id,
        request_id,
        max(start_date) as start_date,
        max(cease_date) as cease_date,
        true as has_named_plan,
    from {{ ref('named_plan') }}
    group by return_id, person_id, request_id
),

active_plans as (
    select
        return_id,
        request_id,
        max(transfer_la) as transfer_la,
        true as has_active_plans,
    from {{ ref('active_plans') }}
    group by return_id, request_id
),

-- The plan that the person already had when the request was received.
plans_held_before as (
    select
        requests.return_id,
        requests.request_id,
        max(named_plans.start_date) as start_date,
        max(named_plans.cease_date) as cease_date,
        true as has_plan_before,
    from requests
    inner join named_plans
        on requests.return_id = named_plans.return_id
            and requests.person_id = named_plans.person_id
            and requests.request_id <> named_plans.request_id
            and requests.received_date > named_plans.start_date
            and requests.received_date < coalesce(named_plans.cease_date, 'infinity')
    group by requests.return_id, requests.request_id
),

records as (
    select
        requests.*,
        requests.request_id as record_id,
        people.person_birth_date,
        assessments.* exclude (return_id, request_id),
        active_plans.* exclude (return_id, request_id),
        case when named_plans.has_named_plan then named_plans.start_date else held.start_date end
            as start_date,
        case when named_plans.has_named_plan then named_plans.cease_date else held.cease_date end
            as cease_date,
        named_plans.has_named_plan,
        held.has_plan_before,
        returns.collection_year,
        returns.return_la,
        returns.survey_day,
        returns.period_start,
        returns.decide_days,
        returns.rya_age_from,
        returns.rya_age_to,
    from requests
    inner join returns on requests.return_id = returns.return_id
    left join people
        on requests.return_id = people.return_id and requests.person_id = people.person_id
    left join assessments
        on requests.return_id = assessments.return_id
            and requests.request_id = assessments.request_id
    left join named_plans
        on requests.return_id = named_plans.return_id
            and requests.request_id = named_plans.request_id
    left join active_plans
        on requests.return_id = active_plans.return_id
            and requests.request_id = active_plans.request_id
    left join plans_held_before as held
        on requests.return_id = held.return_id and requests.request_id = held.request_id
),

-- What the rules ask of a request, and of the other requests of its person.
described as (
    select
        *,
        coalesce(request_outcome in ('Y', 'N'), false) as is_decided,
        coalesce(request_outcome = 'H', false) as is_historical,
        coalesce(exported is null and (request_outcome = 'A' or assessment_outcome = 'A'), false)
            as is_open,
        coalesce(
            assessment_outcome in ('A', 'W')
            or (
                assessment_outcome in ('Y', 'N')
                and coalesce(assessment_outcome_date >= period_start, true)
            ),
            false
        ) as has_assessment_in_period,
        coalesce(has_named_plan, false)
        and coalesce(start_date <= survey_day, true)
        and coalesce(cease_date >= period_start, true) as has_plan_in_period,
    from records
),

counted as (
    select
        *,
        count(*) over (partition by return_id, person_id, received_date) as same_day_count,
        count(*) filter (is_open) over (partition by return_id, person_id) as open_count,
    from described
),

judged as (
    select
        return_id,
        person_id,
        request_id,
        record_id,
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

        -- the outcome is missing or not a code of the year
        coalesce(not {{ is_listed('request_outcome', 'RequestOutcome') }}, true) as rule_r01,

        -- the date received is missing, and the request is not historical
        received_date is null and not is_historical as rule_r02,

        -- the request is dated after the survey day
        received_date > survey_day as rule_r03,

        -- the request was received before the person was born
        received_date < person_birth_date as rule_r04,

        -- the source is not a code, or is missing for a request that is not historical (voluntary)
        coalesce(not {{ is_listed('request_source', 'RequestSource') }}, not is_historical)
            as rule_r05,

        -- the source is not a code, or is missing for a request that is not historical
        coalesce(not {{ is_listed('request_source', 'RequestSource') }}, not is_historical)
            as rule_r06,

        -- youth accommodation is not answered, and the request is not historical
        not is_historical and coalesce(not {{ is_listed('rya', 'YesNo') }}, true) as rule_r07,

        -- the person was too young or too old for youth accommodation when the request was received
        rya = '1'
        and {{ age_on('person_birth_date', 'received_date') }} not between rya_age_from and rya_age_to
            as rule_r08,

        -- the request was decided, and the date of the decision is missing
        is_decided and request_outcome_date is null as rule_r09,

        -- a decision date is given for a request with no decision in the period
        request_outcome in ('A', 'W', 'H') and request_outcome_date is not null as rule_r10,

        -- the outcome date is before the request was received
        request_outcome_date < received_date as rule_r11,

        -- the outcome date is outside the period, and the request is not historical
        not is_historical and request_outcome_date not between period_start and survey_day
            as rule_r12,

        -- the request was decided, and mediation or appeal is not answered
        is_decided
        and coalesce(
            not {{ is_listed('request_mediation', 'RequestMediation') }}
            or not {{ is_listed('request_tribunal', 'RequestTribunal') }},
            true
        ) as rule_r13,

        -- mediation or appeal is answered for a request with no decision in the period
        request_outcome in ('A', 'W', 'H')
        and coalesce(request_mediation, request_tribunal) is not null as rule_r14,

        -- there was an appeal about the decision to assess, and no mediation
        request_tribunal = '1' and coalesce(request_mediation <> '1', true) as rule_r15,

        -- the authority moved to is not one of the year, or is the return's own
        not {{ is_listed('exported', 'LA') }} or exported = return_la as rule_r16,

        -- the person moved away before the assessment was complete, and a plan or placements follow
        exported is not null and (has_named_plan or has_active_plans) as rule_r17,

        -- the assessment is missing, and the person did not move away
        request_outcome in ('Y', 'H') and exported is null and has_assessment is null as rule_r18,

        -- an assessment follows a request that is undecided or withdrawn
        has_assessment and request_outcome in ('A', 'W') as rule_r19,

        -- the decision came later than the legal limit
        request_outcome_date - received_date > decide_days as rule_r20,

        -- the request is undecided, and the legal limit has passed
        request_outcome = 'A' and survey_day - received_date > decide_days as rule_r21,

        -- the person has another request received on the same day
        received_date is not null and same_day_count > 1 as rule_r22,

        -- the request or its assessment is open, and so is another of the person's
        is_open and open_count > 1 as rule_r23,

        -- the plan was transferred in, and the request or the assessment is not historical
        transfer_la is not null
        and (not is_historical or assessment_outcome is distinct from 'H') as rule_r24,

        -- the request is historical, and no assessment or plan that follows falls in the period
        is_historical
        and exported is null
        and not has_assessment_in_period
        and not has_plan_in_period as rule_r25,

        -- an answer that is not due is neither yes nor no
        (
            not is_decided
            and (
                not {{ is_listed('request_mediation', 'RequestMediation') }}
                or not {{ is_listed('request_tribunal', 'RequestTribunal') }}
            )
        )
        or (is_historical and not {{ is_listed('rya', 'YesNo') }}) as rule_o04,

        -- the request is historical, yet it was received in the period and not transferred in
        is_historical and received_date >= period_start and transfer_la is null as rule_o09,

        -- the authority moved to is one of an earlier year only
        not {{ is_listed('exported', 'LA') }}
        and exported in (
            select code
            from {{ ref('codes') }}
            where codeset = 'LA' and year_to < collection_year
        ) as rule_o21,

        -- the person already had a plan when the request was received
        has_plan_before as rule_o24,

        -- an assessment follows a request that was refused, and no dispute explains it
        has_assessment
        and request_outcome = 'N'
        and request_mediation is distinct from '1'
        and request_tribunal is distinct from '1' as rule_r26,
    from counted
)

{{ settled('judged') }}
