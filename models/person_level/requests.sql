-- One row per request per return.
with

built as (
    select
        'built' as return_id,
        requests.person_id,
        requests.request_id,
        requests.received_date,
        {{ if_collected('requests', 'request_source', 'requests.request_source') }}
            as request_source,
        requests.rya,
        requests.request_outcome_date,
        requests.request_outcome,
        case
            when requests.request_word in ('agreed', 'refused')
                then coalesce(disputes.has_assess_mediation, false)::integer::varchar
        end as request_mediation,
        case
            when requests.request_word in ('agreed', 'refused')
                then coalesce(disputes.has_assess_appeal, false)::integer::varchar
        end as request_tribunal,
        requests.exported,
    from {{ ref('request_outcomes') }} as requests
    left join {{ ref('dispute_flags') }} as disputes
        on requests.request_id = disputes.request_id
),

imported as (
    select
        * replace (
            {{ date_of('received_date') }} as received_date,
            {{ date_of('request_outcome_date') }} as request_outcome_date,
        ),
    from {{ source('imported', 'requests') }}
)

select * from built
union all by name
select * from imported
