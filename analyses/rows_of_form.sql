-- The records behind a cell of the aggregated form: one row per cell and person, plan or request.
-- Which cell: dbt's --vars '{cell: refused}', as in aggregated.form; a * stands for any text. The
-- tables of the 2022 release are these cells, and sums of them.
with

kinds as (
    select
        *,
        case
            when measure in ('personal_budgets', 'organised_arrangements', 'direct_payments')
                then 'plan'
            when measure in ('requests', 'refused', 'mediation') then 'request'
            else 'person'
        end as kind,
        -- What the dispute was about stands after the request.
        case when measure = 'mediation'
            then regexp_replace(unit_id, ' [a-z_]+$', '') else unit_id end
            as record_id,
    from {{ ref('form_rows') }}
),

sources as (
    select 'person' as kind, person_id as record_id, person_id, _file, _row,
    from ({{ accepted('people') }})
    union all
    select 'plan', plan_id, person_id, _file, _row,
    from ({{ accepted('plans') }})
    union all
    select 'request', request_id, person_id, _file, _row,
    from ({{ accepted('requests') }})
)

select
    form.cell,
    form.item,
    form.label,
    sources.person_id,
    kinds.kind,
    kinds.record_id,
    sources._file as source_file,
    sources._row as source_row,
from {{ ref('form') }} as form
inner join kinds on form.cell = kinds.cell
left join sources on kinds.kind = sources.kind and kinds.record_id = sources.record_id
where form.cell glob '{{ var("cell", "*") }}'
order by form.cell, sources.person_id, kinds.kind, kinds.record_id, kinds.unit_id
