-- Which counts of the return moved since the extract before this one?
-- One row per figure that changed, the largest change first; report.html shows the main ones.
with

runs as (
    select
        *,
        dense_rank() over (order by as_at desc, run desc) as newest,
    from {{ source('audit', 'run_figures') }}
    where collection_year = (select max(collection_year) from {{ ref('survey') }})
),

beside as (
    select
        dataset,
        figure,
        max(value) filter (newest = 1) as value_now,
        max(value) filter (newest = 2) as value_before,
    from runs
    where newest <= 2
    group by dataset, figure
)

select
    dataset,
    figure,
    coalesce(value_before, 0) as value_before,
    coalesce(value_now, 0) as value_now,
    coalesce(value_now, 0) - coalesce(value_before, 0) as change,
from beside
where value_now is distinct from value_before
order by abs(change) desc, dataset, figure asc
