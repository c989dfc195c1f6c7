-- Every row of every file that a mapping read ended somewhere: none is silently lost.
with

disposed as (
    select
        inputs.source,
        inputs.input,
        inputs.file,
        count(distinct dispositions.row) as row_count,
    from {{ source('audit', 'landed_inputs') }} as inputs
    left join {{ ref('row_dispositions') }} as dispositions
        -- A feed's label stands after the name of the file.
        on inputs.file = dispositions.file or starts_with(dispositions.file, inputs.file || ' (')
    group by inputs.source, inputs.input, inputs.file
)

select
    inputs.source,
    inputs.input,
    inputs.file,
    inputs.row_count,
    disposed.row_count as disposed_count,
from {{ source('audit', 'landed_inputs') }} as inputs
left join disposed using (source, input, file)
where inputs.row_count is distinct from disposed.row_count
