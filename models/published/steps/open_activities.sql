-- One row per plan per return with a residential or work based placement open on the survey day.
with

-- In the first year the plan said what each placement says since.
activities as (
    select
        return_id,
        request_id,
        res_word,
        wbp_word,
    from {{ ref('case_records') }}
    union all
    select
        return_id,
        request_id,
        res_word,
        wbp_word,
    from {{ ref('placement_records') }}
    where is_open
)

select
    return_id,
    request_id,
    coalesce(list(distinct res_word order by res_word) filter (res_word is not null), [])
        as residential_words,
    coalesce(list(distinct wbp_word order by wbp_word) filter (wbp_word is not null), [])
        as work_based_words,
from activities
where res_word is not null or wbp_word is not null
group by return_id, request_id
