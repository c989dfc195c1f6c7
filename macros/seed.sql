{# dbt-duckdb's own, but for the path of the seed's file: it is read as it is, also where a folder's
   name has an apostrophe, or a bracket, which DuckDB would take for a pattern. #}
{% macro duckdb__load_csv_rows(model, agate_table) %}
    {%- set path = adapter.get_seed_file_path(model)
        | replace("[", "[[]") | replace("*", "[*]") | replace("?", "[?]") | replace("'", "''") -%}
    {%- set delimiter = config.get("delimiter", ",") -%}
    {%- set sql -%}
        copy {{ this.render() }} from '{{ path }}'
        (format csv, header true, delimiter '{{ delimiter }}')
    {%- endset -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return(sql) }}
{% endmacro %}
