{# In the built return, an item that a person level collection does not collect is blank. #}
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
        and {{ var('collection_year') }} in (
            select collection_year from {{ ref('collections') }} where has_person_level
        )
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
