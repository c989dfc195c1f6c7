-- One row per assessment per return: the rules on the decision whether to issue a plan.
with

assessments as (
    select
        cases.*,
        cases.request_id as record_id,
        returns.collection_year,
        returns.survey_day,
        returns.period_start,
        returns.issue_days,
        returns.refuse_days,
        returns.fast_issue_days,
    from {{ ref('case_records') }} as cases
    inner join {{ ref('returns') }} as returns on cases.return_id = returns.return_id
    where cases.has_assessment
),

judged as (
    select
        return_id,
        person_id,
        request_id,
        record_id,
        received_date,
        request_outcome_date,
        request_outcome,
        exported,
        assessment_outcome_date,
        assessment_outcome,
        assessment_mediation,
        assessment_tribunal,
        other_mediation,
        other_tribunal,
        week20,
        transfer_la,
        concat_ws(
            '; ',
            if(has_named_plan, 'StartDate ' || coalesce(start_date::varchar, 'blank'), null),
            'AssessmentMediation ' || assessment_mediation,
            'AssessmentTribunal ' || assessment_tribunal,
            'OtherMediation ' || other_mediation,
            'OtherTribunal ' || other_tribunal,
            'Week20 ' || week20
        ) as beside_a08,

        -- the outcome is missing or is not one of this year's
        coalesce(not {{ is_listed('assessment_outcome', 'AssessmentOutcome') }}, true)
            as rule_a01,

        -- it was decided not to issue a plan, and the date is missing
        assessment_outcome_word = 'refused' and assessment_outcome_date is null as rule_a02,

        -- it was decided to issue a plan and there is one, but no date of issue
        assessment_outcome_word = 'issued' and assessment_outcome_date is null and has_named_plan
            as rule_a03,

        -- the assessment was not decided in the period, yet has an outcome date
        assessment_outcome_word in ('undecided', 'withdrawn', 'historical')
        and assessment_outcome_date is not null as rule_a04,

        -- the outcome comes before the decision to assess or the request, or these run backwards
        assessment_outcome_date < greatest(request_outcome_date, received_date)
        or (assessment_outcome_date is not null and request_outcome_date < received_date)
            as rule_a05,

        -- the outcome date is after the survey day, or before the period and not historical
        assessment_outcome_date > survey_day
        or (assessment_outcome_date < period_start
            and assessment_outcome_word is distinct from 'historical')
            as rule_a06,

        -- the assessment was decided, and one of the four answers is missing or not a code
        assessment_outcome_word in ('issued', 'refused')
        and coalesce(
            not (
                {{ is_listed('assessment_mediation', 'AssessmentMediation') }}
                and {{ is_listed('assessment_tribunal', 'AssessmentTribunal') }}
                and {{ is_listed('other_mediation', 'OtherMediation') }}
                and {{ is_listed('other_tribunal', 'OtherTribunal') }}
            ),
            true
        ) as rule_a07,

        -- the assessment is undecided or withdrawn, yet another item than its date or a plan
        -- follows
        assessment_outcome_word in ('undecided', 'withdrawn')
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
        assessment_outcome_word = 'issued'
        and assessment_outcome_date is not null
        and coalesce(not {{ is_listed('week20', 'Week20') }}, true) as rule_a09,

        -- a plan was issued, in the period or before it, and none is recorded
        not has_named_plan
        and (
            assessment_outcome_word = 'historical'
            or (assessment_outcome_word = 'issued' and assessment_outcome_date is not null)
        ) as rule_a10,

        -- there is a plan though none was to be issued, and no mediation or appeal explains it
        assessment_outcome_word = 'refused'
        and has_named_plan
        and not coalesce(
            assessment_mediation_word = 'yes' or assessment_tribunal_word = 'yes', false
        )
            as rule_a11,

        -- the plan was issued after the limit with no exception
        assessment_outcome_word = 'issued' and week20_word = 'no'
        and days_to_outcome > issue_days as rule_a12,

        -- the decision not to issue came after the limit
        assessment_outcome_word = 'refused' and days_to_outcome > refuse_days as rule_a13,

        -- an appeal about not issuing a plan is recorded for a plan that was issued
        assessment_outcome_word in ('issued', 'historical')
        and assessment_tribunal_word = 'yes' as rule_a14,

        -- the plan was issued implausibly soon after the request
        assessment_outcome_word = 'issued' and days_to_outcome < fast_issue_days as rule_a15,

        -- an answer that is not due is given and is not a code
        (
            coalesce(assessment_outcome_word not in ('issued', 'refused'), true)
            and (
                not {{ is_listed('assessment_mediation', 'AssessmentMediation') }}
                or not {{ is_listed('assessment_tribunal', 'AssessmentTribunal') }}
                or not {{ is_listed('other_mediation', 'OtherMediation') }}
                or not {{ is_listed('other_tribunal', 'OtherTribunal') }}
            )
        )
        or (
            (assessment_outcome_word is distinct from 'issued' or assessment_outcome_date is null)
            and not {{ is_listed('week20', 'Week20') }}
        ) as rule_o03,

        -- no plan is issued or refused, the person is here, and the limit to issue one has passed
        (assessment_outcome_word = 'undecided'
            or (assessment_outcome_word = 'issued' and assessment_outcome_date is null))
        and not is_moved_away
        and not is_transferred_in
        and survey_day - received_date > issue_days as rule_o05,

        -- an exception is recorded though no plan was issued in the period
        week20 is not null
        and (
            assessment_outcome_word in ('refused', 'historical')
            or (assessment_outcome_word = 'issued' and assessment_outcome_date is null)
        ) as rule_o06,

        -- the assessment is historical, but the decision to assess falls in the period
        assessment_outcome_word = 'historical'
        and request_outcome_word = 'agreed'
        and request_outcome_date >= period_start
        and not is_transferred_in as rule_o07,

        -- the plan was issued in the period, and its historical request has no received date
        assessment_outcome_word = 'issued'
        and assessment_outcome_date is not null
        and request_outcome_word = 'historical'
        and received_date is null as rule_o08,
    from assessments
)

{{ settled('judged') }}
