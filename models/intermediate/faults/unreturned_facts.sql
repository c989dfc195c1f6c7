-- One row per event of the extract, by the survey day, that the return has no place for.
with

cases as (
    select
        states.*,
        scope.in_return,
        outcomes.request_word,
        outcomes.exported,
        coalesce(outcomes.is_plan_returned, false) as is_plan_returned,
        assessments.assessment_word,
    from {{ ref('case_states') }} as states
    inner join {{ ref('case_scope') }} as scope on states.request_id = scope.request_id
    left join {{ ref('request_outcomes') }} as outcomes on states.request_id = outcomes.request_id
    left join {{ ref('assessment_outcomes') }} as assessments
        on states.request_id = assessments.request_id
    where states.moved_column is null
),

requests as (
    {{ accepted('requests') }}
),

assessments as (
    {{ accepted('assessments') }}
),

disputes as (
    select
        disputes.*,
        cases.person_id,
        cases.in_return,
        coalesce(
            disputes.dispute_date between cases.period_start and cases.survey_day, true
        ) as is_recent,
        case disputes.about
            when 'assess' then coalesce(cases.request_word, 'none')
            else coalesce(cases.assessment_word, 'none')
        end as disputed_word,
    from {{ ref('case_disputes') }} as disputes
    inner join cases on disputes.request_id = cases.request_id
    where coalesce(disputes.dispute_date <= cases.survey_day, true)
),

facts as (
    -- A dispute is a flag beside a decision; of a decision from before the period there is no flag.
    select
        'disputes' as table_name,
        _file,
        _row,
        person_id,
        request_id,
        case
            when not in_return then 'dispute_of_case_out_of_scope'
            when disputed_word = 'historical' then 'dispute_of_old_decision'
            else 'dispute_before_decision'
        end as fact,
        'dispute_date' as column_name,
        dispute_date as event_date,
    from disputes
    where
        about in ('assess', 'issue', 'other')
        and kind in ('mediation', 'appeal')
        and disputed_word not in ('agreed', 'refused', 'issued')
        and not (about = 'other' and disputed_word = 'historical')
        and (is_recent or (in_return and disputed_word <> 'historical'))
    union all
    select
        'requests',
        requests._file,
        requests._row,
        cases.person_id,
        cases.request_id,
        case
            when cases.request_state = 'refused' and not cases.is_overturned
                then 'withdrawal_after_refusal'
            else 'withdrawal_without_effect'
        end,
        'withdrawn_date',
        requests.withdrawn_date,
    from requests
    inner join cases on requests.request_id = cases.request_id
    where
        cases.request_withdrawn_by_date is not null
        and cases.request_state <> 'withdrawn'
        and not (cases.is_withdrawn_after_agreement and cases.assessment_state = 'withdrawn')
        and (
            cases.in_return and not cases.is_plan_returned
            or requests.withdrawn_date >= cases.period_start
        )
    union all
    select
        'assessments',
        assessments._file,
        assessments._row,
        cases.person_id,
        cases.request_id,
        'withdrawal_without_effect',
        'withdrawn_date',
        assessments.withdrawn_date,
    from assessments
    inner join cases on assessments.request_id = cases.request_id
    where
        cases.assessment_withdrawn_by_date is not null
        and coalesce(cases.assessment_word, cases.assessment_state) <> 'withdrawn'
        and (
            cases.in_return and not cases.is_plan_returned
            or assessments.withdrawn_date >= cases.period_start
        )
    union all
    -- Only a move before the case was finished is returned, and only with the authority moved to.
    select
        'requests',
        requests._file,
        requests._row,
        cases.person_id,
        cases.request_id,
        case
            when cases.moved_to_la is null then 'move_to_no_authority'
            when cases.moved_date is null then 'move_without_date'
            else 'move_after_end'
        end,
        case when cases.moved_to_la is null then 'moved_date' else 'moved_to_la' end,
        requests.moved_date,
    from requests
    inner join cases on requests.request_id = cases.request_id
    where
        cases.has_moved
        and cases.in_return
        and (cases.moved_to_la is null or cases.moved_date is null or cases.exported is null)
    union all
    -- Nothing of the row shows when a refusal was overturned.
    select
        'assessments',
        assessments._file,
        assessments._row,
        cases.person_id,
        cases.request_id,
        'overturned_without_date',
        'agreed_date',
        least(assessments.decision_date, assessments.withdrawn_date),
    from assessments
    inner join cases on assessments.request_id = cases.request_id
    where
        cases.is_overturned
        and cases.agreed_date is null
        and not cases.is_plan_started
        and least(assessments.decision_date, assessments.withdrawn_date) > cases.judged_day
    union all
    select
        'assessments',
        assessments._file,
        assessments._row,
        cases.person_id,
        cases.request_id,
        'agreement_without_refusal',
        'agreed_date',
        assessments.agreed_date,
    from assessments
    inner join cases on assessments.request_id = cases.request_id
    where
        cases.agreed_date <= cases.judged_day
        and cases.in_return
        and cases.request_decision is distinct from 'refused'
)

select * from facts
