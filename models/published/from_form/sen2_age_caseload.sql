-- One row per age band and one for all: plans maintained on the survey day, as in DfE's 2022
-- release.
with

ages as (
    select
        position,
        characteristic_age,
        number,
        max(number) filter (characteristic_age = 'Total') over () as total,
    from {{ ref('form_figures') }}
    where measure = 'plans' and characteristic_age is not null
),

figures as (
    select
        characteristic_age,
        'z' as {{ 'Total_st' }},
        'z' as {{ 'Total_st_pc' }},
        number::varchar as {{ 'Total_ehc' }},
        {{ plan_share('number', 'total', 6) }} as {{ 'Total_ehc_pc' }},
        number::varchar as {{ 'Total_all' }},
        {{ plan_share('number', 'total', 8) }} as {{ 'Total_all_pc' }},
    from ages
    order by characteristic_age <> 'Total', position
)

{{ as_published_2022('figures', 'survey_year') }}
