{# The contract's tables: the key that names a row, whether it names one row only (else it is the
   parent's), and the columns that may be corrected, which is all but the keys. #}
{% macro correctable() -%}
    {{ return({
        'people': {
            'key': 'person_id',
            'is_unique': true,
            'columns': [
                'surname', 'forename', 'birth_date', 'sex', 'gender_code', 'ethnicity', 'postcode',
                'upn', 'uln', 'no_identifier_reason',
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
            'columns': ['decision', 'decision_date', 'withdrawn_date', 'twenty_week_exception'],
        },
        'disputes': {
            'key': 'request_id',
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

{# The landed rows of a contract table, with the authority's corrections; raw stays as landed. #}
{% macro corrected(table_name) -%}
    (
        select
            landed.* replace (
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
    )
{%- endmacro %}
