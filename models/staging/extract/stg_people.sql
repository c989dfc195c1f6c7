-- One row per landed row of people: one person. Typed; nothing dropped.
select
    {{ text('person_id') }} as person_id,
    {{ text('surname') }} as surname,
    {{ text('forename') }} as forename,
    {{ date_of('birth_date') }} as birth_date,
    {{ unread_date('birth_date') }} as birth_date_raw,
    {{ text('sex') }} as sex,
    {{ text('gender_code') }} as gender_code,
    {{ text('ethnicity') }} as ethnicity,
    {{ text('postcode') }} as postcode,
    {{ text('upn') }} as upn,
    {{ text('uln') }} as uln,
    {{ text('no_identifier_reason') }} as no_identifier_reason,
    {{ text('worker') }} as worker,
    _source,
    _file,
    _row,
from {{ corrected('people') }}
