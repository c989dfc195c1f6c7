-- One row per return, person level table and column: how many of the table's rows are filled.
{% set tables = [
    'sen2',
    'person',
    'requests',
    'assessment',
    'named_plan',
    'plan_detail',
    'active_plans',
    'placement_detail',
    'sen_need',
] %}
{% for table_name in tables %}
    select
        return_id,
        '{{ table_name }}' as table_name,
        column_name,
        filled_rows,
    from (
        select
            return_id,
            count(columns(lambda name: name not in (
                'return_id', 'person_id', 'request_id', 'placement_id'
            ))),
        from {{ ref(table_name) }}
        group by return_id
    )
    unpivot (filled_rows for column_name in (columns(* exclude (return_id))))
    {{ 'union all' if not loop.last }}
{% endfor %}
