-- One row per cell of the aggregated form of the year being built; none in a year that has no form.
with

cells as (
    select * from {{ ref('form_cells') }}
    where {{ var('collection_year') }} between year_from and year_to
),

cell_codes as (
    select
        cell,
        measure,
        unnest(string_split(codes, ';')) as code,
    from cells
),

facts as (
    select * from {{ ref('form_plan_facts') }}
    union all by name
    select * from {{ ref('form_case_facts') }}
),

-- A code that no cell of its measure names counts as other.
coded_facts as (
    select
        facts.* exclude (code),
        coalesce(named.code, 'other') as code,
    from facts
    left join (select distinct measure, code from cell_codes) as named
        on facts.measure = named.measure and facts.code = named.code
),

counts as (
    select
        cells.cell,
        count(distinct facts.unit_id) as unit_count,
    from cells
    left join cell_codes on cells.cell = cell_codes.cell
    left join coded_facts as facts
        on cells.measure = facts.measure
            and coalesce(cell_codes.code = facts.code, true)
            and coalesce(cells.age_band = facts.age_band, cells.age_band is null)
            and coalesce(cells.placement = facts.placement, cells.placement is null)
    group by cells.cell
),

-- Where a place cannot be told, neither can the cells that count places.
unknown_measures as (
    select distinct measure from facts
    where is_unknown
),

answers as (
    select 'dmo' as code, dmo as answer from {{ ref('survey') }}
    union all
    select 'dco' as code, dco as answer from {{ ref('survey') }}
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
