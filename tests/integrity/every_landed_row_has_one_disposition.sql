-- Every landed row ends in exactly one place: for each file, rows in equal rows out.
with

landed as (
    {% for table_name in (
        'people', 'requests', 'assessments', 'disputes', 'plans', 'plan_settings', 'placements',
        'needs', 'reviews', 'establishments'
    ) %}
        select
            '{{ table_name }}' as table_name,
            _file as file,
            _row as row,
        from {{ source('raw', table_name) }}
        union all
    {% endfor %}
    select
        table_name,
        file,
        row,
    from {{ source('audit', 'rows_set_aside') }}
),

disposed as (
    select
        table_name,
        file,
        row,
        count(*) as dispositions,
    from {{ ref('row_dispositions') }}
    group by all
)

select *
from landed
full join disposed using (table_name, file, row)
where disposed.dispositions is distinct from 1
