-- The built return holds exactly the people who have a case in scope, and exactly those cases.
with

in_scope as (
    select
        person_id,
        request_id,
    from {{ ref('case_scope') }}
    where in_return
),

returned as (
    select
        person.person_id,
        requests.request_id,
    from {{ ref('person') }} as person
    full join {{ ref('requests') }} as requests
        on person.return_id = requests.return_id and person.person_id = requests.person_id
    where coalesce(person.return_id, requests.return_id) = 'built'
)

select
    coalesce(in_scope.person_id, returned.person_id) as person_id,
    coalesce(in_scope.request_id, returned.request_id) as request_id,
from in_scope
full join returned
    on in_scope.person_id = returned.person_id and in_scope.request_id = returned.request_id
where in_scope.request_id is null or returned.request_id is null
