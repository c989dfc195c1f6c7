{# In the built return, an item that the collection year does not collect is blank. #}
{% test collects_no_other_item(model) %}
    with

    filled as (
        select count(columns(*))
        from {{ model }}
        where return_id = 'built'
    )

    select column_name
    from (unpivot filled on columns(*) into name column_name value rows_filled)
    where
        rows_filled > 0
        and column_name in (
            select column_name from {{ ref('items') }} where table_name = '{{ model.name }}'
        )
        and column_name not in (
            select column_name from {{ ref('items') }}
            where
                table_name = '{{ model.name }}'
                and {{ var('collection_year') }} between year_from and year_to
        )
{% endtest %}
