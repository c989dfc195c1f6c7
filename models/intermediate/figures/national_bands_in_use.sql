-- One row per share and collection year with a band: of DfE's files when they were given, else as
-- shipped.
select
    *,
    'given' as band_source,
from {{ ref('national_bands_found') }}
union all by name
select
    shipped.* exclude (evidence),
    'shipped' as band_source,
from {{ ref('national_bands') }} as shipped
anti join {{ ref('national_bands_found') }} as found
    on shipped.dataset = found.dataset
        and shipped.breakdown = found.breakdown
        and shipped.figure = found.figure
        and shipped.collection_year = found.collection_year
