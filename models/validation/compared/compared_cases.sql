-- One row per pair of returns and case, a request and its plan, of either or of both.
with

pairs as (
    select * from {{ ref('compared_returns') }}
),

requests as (
    select
        *,
        row_number() over (
            partition by return_id, person_id, received_date, start_date order by request_id
        ) as place,
        count(*) over (partition by return_id, person_id, received_date) as same_received_count,
        count(*) over (partition by return_id, person_id, start_date) as same_start_count,
    from {{ ref('compared_requests') }}
),

matches as (
    select * from {{ ref('compared_matches') }}
),

-- Whether the later return should hold a case of the earlier one: it was not over before the
-- period.
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
    left join matches
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

-- What tells one case of a person from the others, strongest first.
keys as (
    select return_id, person_id, request_id, 1 as step, request_id as key_value from requests
    union all
    select
        return_id,
        person_id,
        request_id,
        2,
        concat_ws(
            '/', coalesce(received_date::varchar, ''), coalesce(start_date::varchar, ''), place
        ),
    from requests
    union all
    select return_id, person_id, request_id, 3, received_date::varchar from requests
    where same_received_count = 1
    union all
    select return_id, person_id, request_id, 4, start_date::varchar from requests
    where same_start_count = 1
),

candidates as (
    select
        matches.earlier_return_id,
        matches.later_return_id,
        earlier.request_id as earlier_request_id,
        later.request_id as later_request_id,
        earlier.step,
    from matches
    inner join pairs
        on matches.earlier_return_id = pairs.earlier_return_id
            and matches.later_return_id = pairs.later_return_id
    inner join keys as earlier
        on matches.earlier_return_id = earlier.return_id
            and matches.earlier_person_id = earlier.person_id
    inner join keys as later
        on matches.later_return_id = later.return_id
            and matches.later_person_id = later.person_id
            and earlier.step = later.step
            and earlier.key_value = later.key_value
    where earlier.step > 1 or pairs.has_common_ids
),

agreeing as (
    select * from candidates
    qualify
        step = min(step) over (
            partition by earlier_return_id, later_return_id, earlier_request_id
        )
        and step = min(step) over (
            partition by earlier_return_id, later_return_id, later_request_id
        )
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
left join matches
    on later.earlier_return_id = matches.earlier_return_id
        and later.later_return_id = matches.later_return_id
        and later.person_id = matches.later_person_id
