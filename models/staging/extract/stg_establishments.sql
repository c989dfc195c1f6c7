-- One row per landed row of establishments: one establishment. Typed; nothing dropped.
-- The table is the contract's, or DfE's register as downloaded, whose own words are translated.
with

-- Only the register's download tells kinds of college apart; elsewhere the column is not there.
landed as (
    select * from {{ corrected('establishments') }}
    union all by name
    select null::varchar as further_education_type,
    where false
)

select
    {{ text('urn') }} as urn,
    {{ text('ukprn') }} as ukprn,
    {{ text('name') }} as name,
    -- The register writes 02 where the list of types says 2.
    nullif(ltrim(trim(type_code), '0'), '') as type_code,
    {{ text('further_education_type') }} as further_education_type,
    {{ text('status_code') }} as status_code,
    {{ register_date('open_date') }} as open_date,
    case when {{ register_date('open_date') }} is null then {{ text('open_date') }} end
        as open_date_raw,
    {{ register_date('close_date') }} as close_date,
    case when {{ register_date('close_date') }} is null then {{ text('close_date') }} end
        as close_date_raw,
    {{ register_flag('has_sen_unit') }} as has_sen_unit,
    {{ register_flag('has_resourced_provision') }} as has_resourced_provision,
    _source,
    _file,
    _row,
from landed
