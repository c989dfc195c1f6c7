-- One row: work-based learning, residential placements and officers, as in DfE's 2022 release.
{% set ages = ['05', '510', '1115', '1619', '2025'] %}
with

figures as (
    select
        {% for column in ['MApprenEHC', 'MTrainEHC', 'MSuppIntEHC', 'WorkbasedEHC'] %}
            max(value) filter (published_column = '{{ column }}') as {{ column }},
        {% endfor %}
        {% for weeks in ['38', '52'] %}
            {% for age in ages %}
                max(value) filter (published_column = 'Mres{{ weeks }}week{{ age }}EHC')
                    as Mres{{ weeks }}week{{ age }}EHC,
                {% if age != '2025' %}
                    'z' as Mres{{ weeks }}week{{ age }},
                {% endif %}
            {% endfor %}
            max(value) filter (published_column = 'TotMres{{ weeks }}weekEHC')
                as TotMres{{ weeks }}weekEHC,
            'z' as TotMres{{ weeks }}week,
        {% endfor %}
        {% for column in ['DMO', 'DCO', 'DMODCOFunction'] %}
            coalesce(max(value) filter (published_column = '{{ column }}'), 'x') as {{ column }},
        {% endfor %}
    from {{ ref('form_figures') }}
    where published_file = 'sen2_wbp_residential_dmo'
)

{{ as_published_2022('figures', 'survey_year') }}
