-- One row per pair of returns and case, a request and its plan, of either or of both.
with

pairs as (
    select * from {{ ref('compared_returns') }}
),

-- Events that tell one case of a person from the others, and how many of the person's have them.
requests as (
    select
        *,
        row_number() over (
            partition by return_id, person_id, received_date, start_date order by request_id
        ) as place,
        concat_ws(
            '/', coalesce(received_date::varchar, ''), coalesce(start_date::varchar, ''), place
        ) as both_dates,
        count(*) over (partition by return_id, person_id, received_date) as same_received_count,
        count(*) over (partition by return_id, person_id, start_date) as same_start_count,
    from {{ ref('compared_requests') }}
),

-- Whether the later return should hold a case of the earlier one: it was not over before the period.
earlier_cases as (
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        matches.later_person_id,
        requests.*,
        pairs.is_gapless
        and (
            requests.is_active
            or (
                (requests.has_plan or pairs.has_all_decisions)
                and (
                    requests.is_open
                    or coalesce(requests.concluded_date >= pairs.later_period_start, false)
                )
            )
        ) as must_return,
    from pairs
    inner join requests on pairs.earlier_return_id = requests.return_id
    left join {{ ref('compared_matches') }} as matches
        on pairs.earlier_return_id = matches.earlier_return_id
            and pairs.later_return_id = matches.later_return_id
            and requests.person_id = matches.earlier_person_id
),

later_cases as (
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        requests.*,
        -- Whoever came with a plan from another authority has a history there.
        not requests.is_transferred_in
        and coalesce(
            least(requests.received_date, requests.start_date) <= pairs.earlier_survey_day, false
        )
        -- A refusal of long ago that was overturned since was rightly out of the earlier return.
        and not coalesce(
            requests.received_date < pairs.earlier_period_start
            and requests.start_date > pairs.earlier_survey_day,
            false
        ) as has_history,
    from pairs
    inner join requests on pairs.later_return_id = requests.return_id
),

candidates as (
    select
        earlier.earlier_return_id,
        earlier.later_return_id,
        earlier.request_id as earlier_request_id,
        later.request_id as later_request_id,
        case
            when pairs.has_common_ids and earlier.request_id = later.request_id then 1
            when earlier.both_dates = later.both_dates then 2
            when
                earlier.received_date = later.received_date
                and earlier.same_received_count = 1
                and later.same_received_count = 1
                then 3
            when
                earlier.start_date = later.start_date
                and earlier.same_start_count = 1
                and later.same_start_count = 1
                then 4
        end as step,
    from earlier_cases as earlier
    inner join pairs
        on earlier.earlier_return_id = pairs.earlier_return_id
            and earlier.later_return_id = pairs.later_return_id
    inner join later_cases as later
        on earlier.earlier_return_id = later.earlier_return_id
            and earlier.later_return_id = later.later_return_id
            and earlier.later_person_id = later.person_id
    where step is not null
),

agreeing as (
    select * from candidates
    qualify
        step = min(step) over (partition by earlier_return_id, later_return_id, earlier_request_id)
        and step = min(step) over (partition by earlier_return_id, later_return_id, later_request_id)
),

earlier_left as (
    select
        *,
        count(*) over (partition by earlier_return_id, later_return_id, person_id) as left_count,
    from earlier_cases
    anti join agreeing
        on earlier_cases.earlier_return_id = agreeing.earlier_return_id
            and earlier_cases.later_return_id = agreeing.later_return_id
            and earlier_cases.request_id = agreeing.earlier_request_id
),

later_left as (
    select
        *,
        count(*) over (partition by earlier_return_id, later_return_id, person_id) as left_count,
    from later_cases
    anti join agreeing
        on later_cases.earlier_return_id = agreeing.earlier_return_id
            and later_cases.later_return_id = agreeing.later_return_id
            and later_cases.request_id = agreeing.later_request_id
),

-- Where one case of a person is left on each side, and the earlier has to be there, they are one.
links as (
    select
        earlier_return_id,
        later_return_id,
        earlier_request_id,
        later_request_id,
    from agreeing
    union all
    select
        earlier_left.earlier_return_id,
        earlier_left.later_return_id,
        earlier_left.request_id,
        later_left.request_id,
    from earlier_left
    inner join later_left
        on earlier_left.earlier_return_id = later_left.earlier_return_id
            and earlier_left.later_return_id = later_left.later_return_id
            and earlier_left.later_person_id = later_left.person_id
    where earlier_left.left_count = 1 and later_left.left_count = 1 and earlier_left.must_return
)

select
    earlier.earlier_return_id,
    earlier.later_return_id,
    earlier.person_id as earlier_person_id,
    earlier.later_person_id,
    earlier.request_id as earlier_request_id,
    links.later_request_id,
    earlier.must_return,
    false as has_history,
from earlier_cases as earlier
left join links
    on earlier.earlier_return_id = links.earlier_return_id
        and earlier.later_return_id = links.later_return_id
        and earlier.request_id = links.earlier_request_id
union all
select
    later.earlier_return_id,
    later.later_return_id,
    matches.earlier_person_id,
    later.person_id,
    null,
    later.request_id,
    false,
    later.has_history,
from later_cases as later
anti join links
    on later.earlier_return_id = links.earlier_return_id
        and later.later_return_id = links.later_return_id
        and later.request_id = links.later_request_id
left join {{ ref('compared_matches') }} as matches
    on later.earlier_return_id = matches.earlier_return_id
        and later.later_return_id = matches.later_return_id
        and later.person_id = matches.later_person_id
