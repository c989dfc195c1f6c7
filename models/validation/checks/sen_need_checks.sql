-- One row per type of need of a plan, per return.
with

needs as (
    select
        *,
        {{ place_in_request(['sen_type', 'sen_type_rank']) }} as place,
    from {{ ref('sen_need') }}
),

records as (
    select
        needs.*,
        lag(needs.sen_type) over (
            partition by needs.return_id, needs.request_id order by needs.place
        ) as sen_type_before,
        returns.collection_year,
    from needs
    inner join {{ ref('returns') }} as returns on needs.return_id = returns.return_id
),

judged as (
    select
        return_id,
        person_id,
        request_id,
        request_id || '/' || place as record_id,
        sen_type,
        sen_type_rank,

        -- the type of need is missing or not a code of the year
        coalesce(not {{ is_listed('sen_type', 'SENtype') }}, true) as rule_l05,

        -- another need of the plan is of the same type
        sen_type = sen_type_before as rule_l07,
    from records
)

{{ settled('judged') }}
