-- One row per cell of the form: its number, and where the 2022 release publishes it.
select
    cells.position,
    cells.published_file,
    cells.published_column,
    cells.characteristic_age,
    cells.establishment_group,
    cells.establishment_type,
    cells.measure,
    form.value,
    try_cast(form.value as bigint) as number,
from {{ ref('form') }} as form
inner join {{ ref('form_cells') }} as cells
    on form.cell = cells.cell and form.collection_year between cells.year_from and cells.year_to
