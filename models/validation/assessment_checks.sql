-- One row per assessment per return: the rules on the decision whether to issue a plan.
with

-- A file may hold a part of a request twice, which is reported; here one of each is enough.
requests as (
    select
        return_id,
        request_id,
        min(received_date) as received_date,
        min(request_outcome_date) as request_outcome_date,
        min(request_outcome) as request_outcome,
        min(exported) as exported,
    from {{ ref('requests') }}
    group by all
),

named_plans as (
    select distinct
        return_id,
        request_id,
    from {{ ref('named_plan') }}
),

active_plans as (
    select
        return_id,
        request_id,
        min(transfer_la) as transfer_la,
    from {{ ref('active_plans') }}
    group by all
),

assessments as (
    select
        assessment.*,
        assessment.request_id as record_id,
        requests.* exclude (return_id, request_id),
        active_plans.transfer_la,
        assessment.assessment_outcome_date - requests.received_date as days_to_outcome,
        named_plans.request_id is not null as has_named_plan,
        returns.collection_year,
        returns.survey_day,
        returns.period_start,
        returns.issue_days,
        returns.refuse_days,
        returns.fast_issue_days,
    from {{ ref('assessment') }} as assessment
    inner join {{ ref('returns') }} as returns on assessment.return_id = returns.return_id
    left join requests
        on assessment.return_id = requests.return_id
            and assessment.request_id = requests.request_id
    left join named_plans
        on assessment.return_id = named_plans.return_id
            and assessment.request_id = named_plans.request_id
    left join active_plans
        on assessment.return_id = active_plans.return_id
            and assessment.request_id = active_plans.request_id
),

judged as (
    select
        * exclude (
            days_to_outcome,
            collection_year,
            survey_day,
            period_start,
            issue_days,
            refuse_days,
            fast_issue_days
        ),

        -- the outcome is missing or is not one of this year's
        coalesce(not {{ is_listed('assessment_outcome', 'AssessmentOutcome') }}, true)
            as rule_a01,

        -- it was decided not to issue a plan, and the date is missing
        assessment_outcome = 'N' and assessment_outcome_date is null as rule_a02,

        -- it was decided to issue a plan and there is one, but no date of issue
        assessment_outcome = 'Y' and assessment_outcome_date is null and has_named_plan
            as rule_a03,

        -- the assessment was not decided in the period, yet has an outcome date
        assessment_outcome in ('A', 'W', 'H') and assessment_outcome_date is not null as rule_a04,

        -- the outcome comes before the decision to assess or the request, or these run backwards
        assessment_outcome_date < greatest(request_outcome_date, received_date)
        or (assessment_outcome_date is not null and request_outcome_date < received_date)
            as rule_a05,

        -- the outcome date is after the survey day, or before the period and not historical
        assessment_outcome_date > survey_day
        or (assessment_outcome_date < period_start and assessment_outcome is distinct from 'H')
            as rule_a06,

        -- the assessment was decided, and one of the four answers is missing or not a code
        assessment_outcome in ('Y', 'N')
        and coalesce(
            not (
                {{ is_listed('assessment_mediation', 'AssessmentMediation') }}
                and {{ is_listed('assessment_tribunal', 'AssessmentTribunal') }}
                and {{ is_listed('other_mediation', 'OtherMediation') }}
                and {{ is_listed('other_tribunal', 'OtherTribunal') }}
            ),
            true
        ) as rule_a07,

        -- the assessment is undecided or withdrawn, yet another item than its date or a plan follows
        assessment_outcome in ('A', 'W')
        and (
            has_named_plan
            or coalesce(
                assessment_mediation,
                assessment_tribunal,
                other_mediation,
                other_tribunal,
                week20
            ) is not null
        ) as rule_a08,

        -- a plan was issued, and the answer on the 20-week exception is missing or not a code
        assessment_outcome = 'Y'
        and assessment_outcome_date is not null
        and coalesce(not {{ is_listed('week20', 'Week20') }}, true) as rule_a09,

        -- a plan was issued, in the period or before it, and none is recorded
        not has_named_plan
        and (
            assessment_outcome = 'H'
            or (assessment_outcome = 'Y' and assessment_outcome_date is not null)
        ) as rule_a10,

        -- there is a plan though none was to be issued, and no mediation or appeal explains it
        assessment_outcome = 'N'
        and has_named_plan
        and not coalesce(assessment_mediation = '1' or assessment_tribunal = '1', false)
            as rule_a11,

        -- the plan was issued after the limit with no exception
        assessment_outcome = 'Y' and week20 = '0' and days_to_outcome > issue_days as rule_a12,

        -- the decision not to issue came after the limit
        assessment_outcome = 'N' and days_to_outcome > refuse_days as rule_a13,

        -- an appeal about not issuing a plan is recorded for a plan that was issued
        assessment_outcome in ('Y', 'H') and assessment_tribunal = '1' as rule_a14,

        -- the plan was issued implausibly soon after the request
        assessment_outcome = 'Y' and days_to_outcome < fast_issue_days as rule_a15,

        -- an answer that is not due is given and is not a code
        (
            coalesce(assessment_outcome not in ('Y', 'N'), true)
            and (
                not {{ is_listed('assessment_mediation', 'AssessmentMediation') }}
                or not {{ is_listed('assessment_tribunal', 'AssessmentTribunal') }}
                or not {{ is_listed('other_mediation', 'OtherMediation') }}
                or not {{ is_listed('other_tribunal', 'OtherTribunal') }}
            )
        )
        or (
            (assessment_outcome is distinct from 'Y' or assessment_outcome_date is null)
            and not {{ is_listed('week20', 'Week20') }}
        ) as rule_o03,

        -- no plan is issued or refused, the person is here, and the limit to issue one has passed
        (assessment_outcome = 'A' or (assessment_outcome = 'Y' and assessment_outcome_date is null))
        and exported is null
        and transfer_la is null
        and survey_day - received_date > issue_days as rule_o05,

        -- an exception is recorded though no plan was issued in the period
        week20 is not null
        and (
            assessment_outcome in ('N', 'H')
            or (assessment_outcome = 'Y' and assessment_outcome_date is null)
        ) as rule_o06,

        -- the assessment is historical, but the decision to assess falls in the period
        assessment_outcome = 'H'
        and request_outcome = 'Y'
        and request_outcome_date >= period_start
        and transfer_la is null as rule_o07,

        -- the plan was issued in the period, and its historical request has no received date
        assessment_outcome = 'Y'
        and assessment_outcome_date is not null
        and request_outcome = 'H'
        and received_date is null as rule_o08,
    from assessments
)

{{ settled('judged') }}
