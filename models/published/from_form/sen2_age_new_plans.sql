-- One row per age band and one for all: plans made for the first time in the calendar year, as in
-- DfE's 2022 release.
with

ages as (
    select
        position,
        characteristic_age,
        number,
        max(number) filter (characteristic_age = 'Total') over () as total,
    from {{ ref('form_figures') }}
    where measure = 'new_plans' and characteristic_age is not null
),

figures as (
    select
        characteristic_age,
        'z' as {{ 'Total_new_st' }},
        'z' as {{ 'Total_new_st_pc' }},
        number::varchar as {{ 'Total_new_ehc' }},
        {{ plan_share('number', 'total', 6) }} as {{ 'Total_new_ehc_pc' }},
        number::varchar as {{ 'Total_new_all' }},
        {{ plan_share('number', 'total', 8) }} as {{ 'Total_new_all_pc' }},
    from ages
    order by characteristic_age <> 'Total', position
)

{{ as_published_2022('figures', 'calendar_year') }}
