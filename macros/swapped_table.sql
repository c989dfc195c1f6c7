{# Replace a model's table in one transaction. dbt-duckdb's own `table` builds the new one beside
   the old and renames twice, which costs each of our many small models more than its query does. #}
{% materialization swapped_table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if existing is not none -%}
        {% call statement('replaced') -%}
            drop {{ existing.type }} if exists {{ existing }}
        {%- endcall %}
    {%- endif -%}
    {% call statement('main') -%}
        {{ create_table_as(False, relation, compiled_code) }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}
