{# An id told apart from that of another source by its source's name, `two:7`; those of the source
   whose ids are plain stay as they are. #}
{% macro own_id(column) -%}
    case
        when sources.id_prefix is not null and trim(landed.{{ column }}) <> ''
            then sources.id_prefix || landed.{{ column }}
        else landed.{{ column }}
    end
{%- endmacro %}

{# The landed rows of a contract table, with ids told apart by source and the authority's
   corrections; raw stays as landed. #}
{% macro corrected(table_name) -%}
    (
        select
            landed.* replace (
                {% for column in contract_tables()[table_name].ids %}
                    {{ own_id(column) }} as {{ column }},
                {% endfor %}
                {% for column in contract_tables()[table_name].columns %}
                    case
                        when map_contains(corrections.changes, '{{ column }}')
                            then corrections.changes['{{ column }}']
                        else landed.{{ column }}
                    end as {{ column }}{{ ',' if not loop.last }}
                {% endfor %}
            ),
        from {{ source('raw', table_name) }} as landed
        left join (
            select
                _file,
                _row,
                map_from_entries(list(row(column_name, to_value))) as changes,
            from {{ ref('stg_overrides') }}
            where table_name = '{{ table_name }}' and status = 'applied'
            group by _file, _row
        ) as corrections
            on landed._file = corrections._file and landed._row = corrections._row
        {% if contract_tables()[table_name].ids %}
            left join {{ source('audit', 'sources') }} as sources on landed._source = sources.source
        {% endif %}
    )
{%- endmacro %}
