-- One row per row of form_places: the placement of the form that counts it, NULL when not known.
with

settings as (
    {{ with_settings(ref('form_places')) }}
),

form_cells as (
    select
        item,
        placement,
        establishment_group,
    from {{ ref('form_cells') }}
    where
        measure = 'plans'
        and placement is not null
        and {{ var('collection_year') }} between year_from and year_to
),

unclassified as (
    select form_cell as unclassified_cell from {{ ref('setting_columns') }}
    where kind = 'nothing_usable'
),

-- A place that the register does not hold is unclassified; without a register nothing is known.
items as (
    select
        settings.*,
        settings.setting_status not in ('known', 'nothing usable') as is_unclassified,
        '1.2a.' || case
            when settings.setting_kind <> 'unknown' then settings.form_cell
            when settings.setting_status <> 'no establishments table'
                then unclassified.unclassified_cell
        end as item,
    from settings
    cross join unclassified
),

-- The authority's own rules go before, in their order.
ruled as (
    select
        items.*,
        local_rules.placement as local_placement,
    from items
    left join {{ ref('stg_form_local_rules') }} as local_rules
        on items.setting_kind = local_rules.setting
            and coalesce(
                items.setting_note ilike local_rules.setting_note,
                local_rules.setting_note is null
            )
            and coalesce(items.school_age = local_rules.school_age, true)
    qualify row_number() over (
        partition by items.person_id, items.placement_id order by local_rules.position nulls last
    ) = 1
)

select
    ruled.person_id,
    ruled.plan_id,
    ruled.placement_id,
    ruled.plan_start_date,
    ruled.entry_date,
    ruled.leaving_date,
    ruled.is_current,
    ruled.is_unclassified,
    ruled.residential,
    ruled.work_based,
    form_cells.placement,
    form_cells.establishment_group,
from ruled
left join form_cells
    on case
        when ruled.local_placement is null then ruled.item = form_cells.item
        else ruled.local_placement = form_cells.placement
    end
