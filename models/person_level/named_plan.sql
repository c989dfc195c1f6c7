-- One row per EHC plan per return.
with

built as (
    select
        'built' as return_id,
        person_id,
        request_id,
        start_date,
        residential as plan_res,
        work_based as plan_wbp,
        personal_budget as pb,
        organised_arrangements as oa,
        direct_payments as dp,
        cease_date,
        cease_reason,
    from {{ ref('returned_plans') }}
),

imported as (
    select
        * replace (
            {{ date_of('start_date') }} as start_date,
            {{ date_of('cease_date') }} as cease_date,
        ),
    from {{ source('imported', 'named_plan') }}
)

select * from built
union all by name
select * from imported
