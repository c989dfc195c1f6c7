-- One row per cell of the form and record that it counts: a person, plan, request or dispute.
with

cell_codes as (
    select
        *,
        unnest(coalesce(string_split(codes, ';'), [null])) as code,
    from {{ ref('form_cells') }}
    where {{ var('collection_year') }} between year_from and year_to
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
)

select distinct
    cells.cell,
    facts.measure,
    facts.unit_id,
from cell_codes as cells
inner join coded_facts as facts
    on cells.measure = facts.measure
        and coalesce(cells.code = facts.code, true)
        and coalesce(cells.age_band = facts.age_band, cells.age_band is null)
        and coalesce(cells.placement = facts.placement, cells.placement is null)
