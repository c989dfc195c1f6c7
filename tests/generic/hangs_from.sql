{# Every record of the built return hangs from a record of its parent table. #}
{% test hangs_from(model, parent, column) %}
    select child.{{ column }}
    from {{ model }} as child
    anti join {{ parent }} as parent
        on child.return_id = parent.return_id and child.{{ column }} = parent.{{ column }}
    where child.return_id = 'built'
{% endtest %}
