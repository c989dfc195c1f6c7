-- One row per accepted row of the extract and kind of fault that its dates or events have.
{% set extract_only = [
    'withdrawn_date', 'moved_date', 'agreed_date', 'issue_decided_date', 'transferred_date',
] %}
with

-- A date that the return holds is judged there, unless the case is not in it.
contradictions as (
    select
        table_name,
        _file,
        _row,
        if(is_case_in_return, 'contradiction', 'contradiction_out_of_scope') as fault,
        found,
    from {{ ref('contradictions') }}
    where
        not coalesce(is_case_in_return, false)
        or column_name in ('{{ extract_only | join("', '") }}')
        or other_column in ('{{ extract_only | join("', '") }}')
),

requests as (
    {{ accepted('requests') }}
),

early_cases as (
    select
        events.request_id,
        string_agg(events.event || ' ' || events.event_date, '; ' order by events.event) as found,
    from {{ ref('early_events') }} as events
    inner join {{ ref('case_scope') }} as scope on events.request_id = scope.request_id
    where scope.is_out_despite_earlier_event
    group by events.request_id
),

-- The row that says the case begins after the survey day: the request's, else the plan's.
late_beginnings as (
    select
        'requests' as table_name,
        requests._file,
        requests._row,
        'begins_too_late' as fault,
        'received_date ' || coalesce(requests.received_date::varchar, 'blank') || '; '
        || early_cases.found as found,
    from early_cases
    inner join requests on early_cases.request_id = requests.request_id
    union all
    select
        'plans',
        plans._file,
        plans._row,
        'begins_too_late',
        'start_date ' || coalesce(plans.start_date::varchar, 'blank') || '; ' || early_cases.found,
    from early_cases
    inner join {{ ref('case_plans') }} as plans on early_cases.request_id = plans.request_id
    left join requests on early_cases.request_id = requests.request_id
    where requests.request_id is null
),

unreturned as (
    select
        table_name,
        _file,
        _row,
        fact as fault,
        if(starts_with(fact, 'move_'), 'moved_date', column_name) || ' '
        || coalesce(event_date::varchar, 'blank')
        || case fact
            when 'dispute_before_decision' then '; the decision it is about is not made'
            when 'dispute_of_old_decision'
                then '; the decision it is about is of an earlier period'
            when 'dispute_of_case_out_of_scope' then '; its case is not in the return'
            else ''
        end as found,
    from {{ ref('unreturned_facts') }}
),

faults as (
    select * from contradictions
    union all
    select * from late_beginnings
    union all
    select * from unreturned
)

select
    table_name,
    _file,
    _row,
    list(distinct fault order by fault) as faults,
    string_agg(distinct found, '; ' order by found) as found,
from faults
group by table_name, _file, _row
