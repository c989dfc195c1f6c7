-- One row per pair of returns and case of a person in both that came, went, began or ended.
with

cases as (
    select * from {{ ref('compared_cases_of_both') }}
),

had_a_plan as (
    select distinct
        earlier_return_id,
        later_return_id,
        earlier_person_id,
        true as had_plan,
    from cases
    where earlier_has_plan
),

judged as (
    select
        cases.*,
        coalesce(cases.earlier_has_plan, false) as has_plan_then,
        coalesce(cases.later_has_plan, false) as has_plan_now,
        -- An earlier start or end is a date that was changed: compared_dates has it.
        case
            when cases.is_restarted then 'plan_restarted'
            when cases.must_return and cases.later_request_id is null then 'case_vanished'
            when cases.has_history then 'case_appeared'
            when has_plan_then and not has_plan_now and cases.must_return then 'case_vanished'
            when
                has_plan_now and not has_plan_then
                and (
                    cases.later_is_transferred_in
                    or coalesce(cases.later_start_date > cases.earlier_survey_day, true)
                )
                then case when had_a_plan.had_plan then 'plan_restarted' else 'plan_started' end
            when
                cases.earlier_is_active
                and has_plan_now
                and not cases.later_is_active
                and cases.later_cease_date > cases.earlier_survey_day
                then 'plan_ended'
        end as kind,
    from cases
    left join had_a_plan
        on cases.earlier_return_id = had_a_plan.earlier_return_id
            and cases.later_return_id = had_a_plan.later_return_id
            and cases.earlier_person_id = had_a_plan.earlier_person_id
)

select
    earlier_return_id,
    later_return_id,
    earlier_person_id,
    later_person_id,
    earlier_request_id,
    later_request_id,
    kind,
    kind = 'case_appeared' or is_restarted as is_rewritten,
    case
        when kind in ('case_vanished', 'case_appeared') then 'Requests'
        when kind = 'plan_ended' then 'CeaseDate'
        else 'StartDate'
    end as item,
    case item
        when 'Requests' then least(earlier_received_date, earlier_start_date)
        when 'StartDate' then earlier_start_date
        else earlier_cease_date
    end::varchar as earlier_value,
    case item
        when 'Requests' then least(later_received_date, later_start_date)
        when 'StartDate' then later_start_date
        else later_cease_date
    end::varchar as later_value,
    case
        when is_restarted then 'the plan that was in force is not there as ended'
        when kind = 'plan_restarted' then 'another plan of the person began'
        when kind = 'case_appeared' then 'it began by ' || earlier_survey_day
        when kind <> 'case_vanished' then null
        when later_request_id is not null then 'the request is there without its plan'
        when earlier_is_active then 'its plan was in force on ' || earlier_survey_day
        when earlier_is_open then 'it was open on ' || earlier_survey_day
        else 'it ended on ' || earlier_concluded_date || ', in the period of the later return'
    end as detail,
from judged
where kind is not null
