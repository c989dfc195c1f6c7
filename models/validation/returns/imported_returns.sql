-- One row per imported return: its name.
select return_id from {{ source('imported', 'sen2') }}
