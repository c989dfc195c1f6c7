-- One row per pair of returns and event of a case in both that has another date, or none.
{% set events = [
    ('ReceivedDate', 'received_date', 'true'),
    ('RequestOutcomeDate', 'request_outcome_date', 'earlier_value >= later_period_start'),
    ('AssessmentOutcomeDate', 'assessment_outcome_date', 'earlier_value >= later_period_start'),
    ('StartDate', 'start_date', 'later_has_plan'),
    ('CeaseDate', 'cease_date', 'later_has_plan'),
] %}
with

-- A plan that began again has its own row in compared_plans.
cases as (
    select * from {{ ref('compared_cases_of_both') }}
    where
        earlier_request_id is not null
        and later_request_id is not null
        and not is_restarted
),

-- The later return gives a date again unless it is of before its period (still_given).
events as (
    {% for item, column, still_given in events %}
        select
            cases.*,
            '{{ item }}' as item,
            earlier_{{ column }} as earlier_value,
            later_{{ column }} as later_value,
            {{ still_given }} as still_given,
        from cases
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- A place that a person attends once in a case, as each return has it.
placements as (
    select
        *,
        concat_ws(' ', urn, ukprn, sen_setting) as place,
    from {{ ref('placement_detail') }}
    qualify count(*) over (partition by return_id, request_id, place, placement_rank) = 1
),

stays as (
    select
        cases.*,
        earlier.entry_date as earlier_entry_date,
        later.entry_date as later_entry_date,
        earlier.leaving_date as earlier_leaving_date,
        later.leaving_date as later_leaving_date,
    from cases
    inner join placements as earlier
        on cases.earlier_return_id = earlier.return_id
            and cases.earlier_request_id = earlier.request_id
    inner join placements as later
        on cases.later_return_id = later.return_id
            and cases.later_request_id = later.request_id
            and earlier.place = later.place
            and earlier.placement_rank is not distinct from later.placement_rank
    -- One that ended before the later period is not in it: this is another stay.
    where coalesce(earlier.leaving_date >= cases.later_period_start, true)
),

all_events as (
    select * from events
    union all by name
    select
        *,
        'EntryDate' as item,
        earlier_entry_date as earlier_value,
        later_entry_date as later_value,
        true as still_given,
    from stays
    union all by name
    select
        *,
        'LeavingDate' as item,
        earlier_leaving_date as earlier_value,
        later_leaving_date as later_value,
        true as still_given,
    from stays
    union all by name
    -- A later review replaces the one before; an earlier one cannot.
    select
        *,
        'ReviewMeeting' as item,
        earlier_review_meeting as earlier_value,
        later_review_meeting as later_value,
        false as still_given,
    from cases
    where later_review_meeting < earlier_review_meeting
)

select
    earlier_return_id,
    later_return_id,
    earlier_person_id,
    later_person_id,
    earlier_request_id,
    later_request_id,
    'date_changed' as kind,
    item,
    earlier_value::varchar as earlier_value,
    later_value::varchar as later_value,
    case when earlier_value is null
        then 'it was not there, and is dated by ' || earlier_survey_day end
        as detail,
from all_events
where
    case
        when later_value is null then earlier_value is not null and still_given
        when earlier_value is null
            -- A plan that came from another authority began there.
            then later_value <= earlier_survey_day
            and not (item = 'StartDate' and later_is_transferred_in and not earlier_has_plan)
        else earlier_value <> later_value
    end
