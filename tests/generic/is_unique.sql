{# No two rows share the values of these columns. #}
{% test is_unique(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    group by all
    having count(*) > 1
{% endtest %}
