{# The contract's tables: the key that names a row (or the other key, where that one is blank),
   whether it names one row only (else it is the parent's), and the columns that may be corrected,
   which is all but the keys. #}
{% macro correctable() -%}
    {{ return({
        'people': {
            'key': 'person_id',
            'is_unique': true,
            'columns': [
                'surname', 'forename', 'birth_date', 'sex', 'gender_code', 'ethnicity', 'postcode',
                'upn', 'uln', 'no_identifier_reason', 'worker',
            ],
        },
        'requests': {
            'key': 'request_id',
            'is_unique': true,
            'columns': [
                'received_date', 'source', 'in_youth_accommodation', 'decision', 'decision_date',
                'withdrawn_date', 'moved_to_la', 'moved_date',
            ],
        },
        'assessments': {
            'key': 'request_id',
            'is_unique': true,
            'columns': [
                'decision', 'decision_date', 'withdrawn_date', 'twenty_week_exception',
                'issue_decided_date', 'agreed_date',
            ],
        },
        'disputes': {
            'key': 'request_id',
            'other_key': 'plan_id',
            'is_unique': false,
            'columns': ['kind', 'about', 'dispute_date'],
        },
        'plans': {
            'key': 'plan_id',
            'is_unique': true,
            'columns': [
                'start_date', 'residential', 'work_based', 'personal_budget',
                'organised_arrangements', 'direct_payments', 'transferred_from_la',
                'transferred_date', 'cease_date', 'cease_reason',
            ],
        },
        'plan_settings': {
            'key': 'plan_id',
            'is_unique': false,
            'columns': [
                'rank', 'urn', 'ukprn', 'setting', 'setting_note', 'sen_unit',
                'resourced_provision',
            ],
        },
        'placements': {
            'key': 'placement_id',
            'is_unique': true,
            'columns': [
                'rank', 'urn', 'ukprn', 'setting', 'setting_note', 'sen_unit',
                'resourced_provision', 'residential', 'work_based', 'attendance', 'entry_date',
                'leaving_date',
            ],
        },
        'needs': {'key': 'plan_id', 'is_unique': false, 'columns': ['rank', 'need']},
        'reviews': {
            'key': 'plan_id',
            'is_unique': false,
            'columns': [
                'meeting_date', 'decision', 'decision_date', 'draft_date',
                'phase_transfer_due_date', 'phase_transfer_final_date',
            ],
        },
        'establishments': {
            'key': 'urn',
            'is_unique': true,
            'columns': [
                'ukprn', 'name', 'type_code', 'status_code', 'open_date', 'close_date',
                'has_sen_unit', 'has_resourced_provision',
            ],
        },
    }) }}
{%- endmacro %}

{# The columns of each contract table that hold ids of the case system, its own and its parents'. #}
{% macro ids_of(table_name) -%}
    {{ return({
        'people': ['person_id'],
        'requests': ['request_id', 'person_id'],
        'assessments': ['request_id'],
        'disputes': ['request_id', 'plan_id'],
        'plans': ['plan_id', 'person_id', 'request_id'],
        'plan_settings': ['plan_id'],
        'placements': ['placement_id', 'plan_id'],
        'needs': ['plan_id'],
        'reviews': ['plan_id'],
        'establishments': [],
    }[table_name]) }}
{%- endmacro %}

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
                {% for column in ids_of(table_name) %}
                    {{ own_id(column) }} as {{ column }},
                {% endfor %}
                {% for column in correctable()[table_name].columns %}
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
        {% if ids_of(table_name) %}
            left join {{ source('audit', 'sources') }} as sources on landed._source = sources.source
        {% endif %}
    )
{%- endmacro %}
