-- One row per plan per return with a residential or work based placement open on the survey day.
with

-- In the first year the plan said what each placement says since.
activities as (
    select
        return_id,
        request_id,
        res,
        wbp,
    from {{ ref('active_plans') }}
    union all
    select
        placements.return_id,
        placements.request_id,
        placements.res,
        placements.wbp,
    from {{ ref('placement_detail') }} as placements
    inner join {{ ref('published_returns') }} as returns
        on placements.return_id = returns.return_id
    where
        {{ is_open_on('placements.entry_date', 'placements.leaving_date', 'returns.survey_day') }}
)

select
    return_id,
    request_id,
    coalesce(list(distinct res order by res) filter (res is not null), []) as residential_codes,
    coalesce(list(distinct wbp order by wbp) filter (wbp is not null), []) as work_based_codes,
from activities
where res is not null or wbp is not null
group by return_id, request_id
