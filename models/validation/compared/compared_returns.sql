-- One row per pair of returns: their days, and what may be told from the two.
with

returns as (
    select * from {{ ref('returns') }}
),

with_case_ids as (
    select 'built' as return_id,
    union all
    select return_id from {{ source('imported', 'files') }}
    where has_case_ids
)

select
    pairs.earlier_return_id,
    pairs.later_return_id,
    earlier.collection_year as earlier_year,
    later.collection_year as later_year,
    earlier.survey_day as earlier_survey_day,
    earlier.period_start as earlier_period_start,
    later.survey_day as later_survey_day,
    later.period_start as later_period_start,
    later.age_reference_date,
    later.max_plan_age,
    pairs.earlier_return_id = pairs.later_return_id
    or (
        pairs.earlier_return_id in (select with_case_ids.return_id from with_case_ids)
        and pairs.later_return_id in (select with_case_ids.return_id from with_case_ids)
    ) as has_common_ids,
    -- What ends between the earlier survey day and the later period is in neither return.
    later.period_start <= earlier.survey_day as is_gapless,
    -- A decision between the end of the period and the survey day takes a request out of the
    -- return.
    later.period_end >= later.survey_day as has_all_decisions,
from {{ ref('compared_pairs') }} as pairs
inner join returns as earlier on pairs.earlier_return_id = earlier.return_id
inner join returns as later on pairs.later_return_id = later.return_id
