-- One row per decision the authority keeps: whether two records are of the same person.
select
    trim(person_id) as person_id,
    trim(other_person_id) as other_person_id,
    decision,
    reason,
    author,
    {{ date_of('date') }} as written_date,
    _file,
    _row,
from {{ source('raw', 'people_matched') }}
