-- One row per authority and collection year: what DfE has published of the form of the year before.
-- Where the 2022 release was not given, newer ones say the same of all plans and requests.
select
    la_code,
    collection_year + 1 as collection_year,
    coalesce(
        max(number) filter (dataset = 'sen2_age_caseload' and figure = 'Total_ehc'),
        max(number) filter (dataset = 'caseload' and figure = 'ehcplans')
    )::bigint as plans_last_year,
    coalesce(
        max(number) filter (dataset = 'sen2_age_new_plans' and figure = 'Total_new_ehc'),
        max(number) filter (dataset = 'newplans' and figure = 'new_ehc_plans')
    )::bigint as new_plans_last_year,
    coalesce(
        max(number) filter (dataset = 'sen2_mi' and figure = 'InreqEHC'),
        max(number) filter (dataset = 'requests' and figure = 'requests_received_in_year')
    )::bigint as requests_last_year,
from {{ ref('dfe_figures') }}
where is_total
group by la_code, collection_year
