-- One row per value of a person on which two sources differ, but for capitals: which was believed,
-- and which was not.
with

believed as (
    select * from {{ ref('person_values') }}
    where is_believed
)

select
    'people' as table_name,
    values_held.column_name,
    values_held.person_id,
    believed.source as believed_source,
    believed.value as believed_value,
    values_held.source as other_source,
    values_held.value as other_value,
    values_held._file as file,
    values_held._row as row,
from {{ ref('person_values') }} as values_held
inner join believed
    on values_held.person_id = believed.person_id
        and values_held.column_name = believed.column_name
where upper(values_held.value) <> upper(believed.value)
