-- One row per cell of the aggregated form of the year being built; none in a year that has no form.
with

cells as (
    select * from {{ ref('form_cells') }}
    where {{ var('collection_year') }} between year_from and year_to
),

counts as (
    select
        cells.cell,
        count(counted.unit_id) as unit_count,
    from cells
    left join {{ ref('form_rows') }} as counted on cells.cell = counted.cell
    group by cells.cell
),

-- Where a place cannot be told, neither can the cells that count places.
unknown_measures as (
    select measure from {{ ref('form_plan_facts') }}
    where is_unknown
    group by measure
),

answers as (
    select 'dmo' as code, dmo as answer from {{ ref('survey') }}
    union all
    select 'dco' as code, dco as answer from {{ ref('survey') }}
    union all
    select 'role' as code, dmo_dco_role as answer from {{ ref('survey') }}
)

select
    {{ var('collection_year') }} as collection_year,
    cells.part,
    cells.item,
    cells.cell,
    cells.label,
    cells.age_band,
    cells.placement,
    case
        when cells.measure = 'officers' then answers.answer
        when not (cells.needs_register and unknown_measures.measure is not null)
            then counts.unit_count::varchar
    end as value,
from cells
inner join counts on cells.cell = counts.cell
left join unknown_measures on cells.measure = unknown_measures.measure
left join answers on cells.codes = answers.code
