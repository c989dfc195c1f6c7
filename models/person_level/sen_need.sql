-- One row per type of need of a plan, per return.
with

needs as (
    {{ accepted('needs') }}
),

built as (
    select
        'built' as return_id,
        plans.person_id,
        plans.request_id,
        needs.need as sen_type,
        needs.rank as sen_type_rank,
    from needs
    inner join {{ ref('returned_plans') }} as plans on needs.plan_id = plans.plan_id
),

imported as (
    select * from {{ source('imported', 'sen_need') }}
)

select * from built
union all by name
select * from imported
