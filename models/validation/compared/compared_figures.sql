-- One row per pair of returns and figure of the published tables that either has.
with

figures as (
    select * from {{ ref('figures') }}
),

earlier as (
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        figures.*,
    from {{ ref('compared_returns') }} as pairs
    inner join figures on pairs.earlier_return_id = figures.return_id
),

later as (
    select
        pairs.earlier_return_id,
        pairs.later_return_id,
        figures.*,
    from {{ ref('compared_returns') }} as pairs
    inner join figures on pairs.later_return_id = figures.return_id
)

select
    coalesce(later.earlier_return_id, earlier.earlier_return_id) as earlier_return_id,
    coalesce(later.later_return_id, earlier.later_return_id) as later_return_id,
    coalesce(later.position, earlier.position) as position,
    coalesce(later.dataset, earlier.dataset) as dataset,
    coalesce(later.breakdown, earlier.breakdown) as breakdown,
    coalesce(later.figure, earlier.figure) as figure,
    earlier.value as earlier_value,
    later.value as later_value,
    round(later.number - earlier.number, 1) as change,
from earlier
full outer join later
    on earlier.earlier_return_id = later.earlier_return_id
        and earlier.later_return_id = later.later_return_id
        and earlier.dataset = later.dataset
        and earlier.breakdown = later.breakdown
        and earlier.figure = later.figure
