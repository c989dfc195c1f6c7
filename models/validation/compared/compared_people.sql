-- One row per pair of returns and person of either or of both: whether in both, and why not.
with

pairs as (
    select * from {{ ref('compared_returns') }}
),

matches as (
    select * from {{ ref('compared_matches') }}
),

people as (
    select * from {{ ref('person') }}
),

-- What the earlier return says of people who are not in the later one.
earlier_facts as (
    select
        cases.earlier_return_id,
        cases.later_return_id,
        cases.earlier_person_id,
        bool_or(cases.must_return) as must_return,
        bool_or(requests.is_active) as has_plan,
        bool_or(requests.is_open) as has_open_request,
        max(requests.concluded_date) as concluded_date,
    from {{ ref('compared_cases') }} as cases
    inner join {{ ref('compared_requests') }} as requests
        on cases.earlier_return_id = requests.return_id
            and cases.earlier_request_id = requests.request_id
    where cases.later_person_id is null
    group by all
),

later_facts as (
    select
        cases.earlier_return_id,
        cases.later_return_id,
        cases.later_person_id,
        bool_or(cases.has_history) as has_history,
        bool_or(requests.is_transferred_in) as is_transferred_in,
        min(requests.received_date) as received_date,
        min(requests.start_date) as start_date,
    from {{ ref('compared_cases') }} as cases
    inner join {{ ref('compared_requests') }} as requests
        on cases.later_return_id = requests.return_id
            and cases.later_request_id = requests.request_id
    where cases.earlier_person_id is null
    group by all
),

gone as (
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        people.person_id as earlier_person_id,
        null::varchar as later_person_id,
        null::varchar as matched_by,
        case
            when
                facts.has_plan
                and pairs.earlier_survey_day < pairs.later_survey_day
                and date_sub('year', people.person_birth_date, pairs.age_reference_date)
                >= pairs.max_plan_age
                then 'aged_out'
            when facts.must_return then 'vanished'
            else 'left'
        end as state,
        case
            when state = 'aged_out'
                then 'too old for a plan in the school year from ' || pairs.age_reference_date
            when not pairs.is_gapless
                then 'whatever ended before ' || pairs.later_period_start || ' is in neither return'
            when state = 'left'
                then 'nothing was open, or is known to have ended from '
                || pairs.later_period_start || ' on'
            when facts.has_plan then 'a plan was in force on ' || pairs.earlier_survey_day
            when facts.has_open_request
                then 'a request or an assessment was open on ' || pairs.earlier_survey_day
            else 'a case ended on ' || facts.concluded_date || ', in the period of the later return'
        end as reason,
    from pairs
    inner join people on pairs.earlier_return_id = people.return_id
    anti join matches
        on pairs.earlier_return_id = matches.earlier_return_id
            and pairs.later_return_id = matches.later_return_id
            and people.person_id = matches.earlier_person_id
    left join earlier_facts as facts
        on pairs.earlier_return_id = facts.earlier_return_id
            and pairs.later_return_id = facts.later_return_id
            and people.person_id = facts.earlier_person_id
),

come as (
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        null::varchar as earlier_person_id,
        people.person_id as later_person_id,
        null::varchar as matched_by,
        case when facts.has_history then 'appeared_with_history' else 'joined' end as state,
        case
            when facts.has_history
                then concat_ws(
                    ', ',
                    'a request received on ' || facts.received_date,
                    'a plan started on ' || facts.start_date
                )
            when facts.is_transferred_in then 'came from another authority'
            else 'nothing before ' || pairs.earlier_survey_day
        end as reason,
    from pairs
    inner join people on pairs.later_return_id = people.return_id
    anti join matches
        on pairs.earlier_return_id = matches.earlier_return_id
            and pairs.later_return_id = matches.later_return_id
            and people.person_id = matches.later_person_id
    left join later_facts as facts
        on pairs.earlier_return_id = facts.earlier_return_id
            and pairs.later_return_id = facts.later_return_id
            and people.person_id = facts.later_person_id
)

select
    earlier_return_id,
    later_return_id,
    earlier_person_id,
    later_person_id,
    matched_by,
    'in_both' as state,
    null as reason,
from matches
union all
select * from gone
union all
select * from come
