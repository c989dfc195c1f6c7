-- The answers behind sen2_dmo_dco.csv: those of the return's header, which come from sen2.yml.
select
    dmo as des_med_off,
    dco as des_clin_off,
    dsco as des_so_care_off,
from {{ ref('sen2') }}
where return_id = '{{ var("return_id", "built") }}'
