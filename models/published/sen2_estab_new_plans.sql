-- One row per placement, per group of placements and for all: plans made for the first time in the calendar year, as in DfE's 2022 release.
with

placements as (
    select
        position,
        establishment_type,
        establishment_group,
        number,
        max(number) filter (establishment_group = 'Total') over () as total,
    from {{ ref('form_figures') }}
    where measure = 'new_plans' and establishment_group is not null
),

-- A group is not known when one of its placements is not.
all_rows as (
    select * from placements
    union all
    select
        min(position) as position,
        'Total' as establishment_type,
        establishment_group,
        case when count(number) = count(*) then sum(number) end as number,
        any_value(total) as total,
    from placements
    where establishment_group <> 'Total'
    group by establishment_group
),

figures as (
    select
        establishment_type,
        establishment_group,
        'z' as {{ 'Total_new_st' }},
        'z' as {{ 'Total_new_st_pc' }},
        coalesce(number::varchar, 'x') as {{ 'Total_new_ehc' }},
        case when number is null then 'x' else {{ plan_share('number', 'total', 6) }} end
            as {{ 'Total_new_ehc_pc' }},
        coalesce(number::varchar, 'x') as {{ 'Total_new_all' }},
        case when number is null then 'x' else {{ plan_share('number', 'total', 8) }} end
            as {{ 'Total_new_all_pc' }},
    from all_rows
    order by establishment_group <> 'Total', establishment_type <> 'Total', position
)

{{ as_published_2022('figures', 'calendar_year') }}
