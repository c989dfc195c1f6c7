{# Generated from seeds/spec/extract_contract.csv by `make generate`. For each table:
   the column that names a row; whether it names one row, else it names the parent; the
   key to use where that is blank; the ids of the case system; the other columns, the
   dates among them, and those that hold one of a few words. #}
{% macro contract_tables() -%}
    {{ return({
        'people': {
            'key': 'person_id',
            'is_unique': True,
            'other_key': None,
            'ids': ['person_id'],
            'columns': [
                'surname', 'forename', 'birth_date', 'sex', 'gender_code', 'ethnicity', 'postcode',
                'upn', 'uln', 'no_identifier_reason', 'worker',
            ],
            'dates': ['birth_date'],
            'words': [],
        },
        'requests': {
            'key': 'request_id',
            'is_unique': True,
            'other_key': None,
            'ids': ['request_id', 'person_id'],
            'columns': [
                'received_date', 'source', 'in_youth_accommodation', 'decision', 'decision_date',
                'withdrawn_date', 'moved_to_la', 'moved_date',
            ],
            'dates': ['received_date', 'decision_date', 'withdrawn_date', 'moved_date'],
            'words': ['decision'],
        },
        'assessments': {
            'key': 'request_id',
            'is_unique': True,
            'other_key': None,
            'ids': ['request_id'],
            'columns': [
                'decision', 'decision_date', 'withdrawn_date', 'twenty_week_exception',
                'issue_decided_date', 'agreed_date',
            ],
            'dates': ['decision_date', 'withdrawn_date', 'issue_decided_date', 'agreed_date'],
            'words': ['decision'],
        },
        'disputes': {
            'key': 'request_id',
            'is_unique': False,
            'other_key': 'plan_id',
            'ids': ['request_id', 'plan_id'],
            'columns': ['kind', 'about', 'dispute_date'],
            'dates': ['dispute_date'],
            'words': ['kind', 'about'],
        },
        'plans': {
            'key': 'plan_id',
            'is_unique': True,
            'other_key': None,
            'ids': ['plan_id', 'person_id', 'request_id'],
            'columns': [
                'start_date', 'residential', 'work_based', 'personal_budget',
                'organised_arrangements', 'direct_payments', 'transferred_from_la',
                'transferred_date', 'cease_date', 'cease_reason',
            ],
            'dates': ['start_date', 'transferred_date', 'cease_date'],
            'words': [],
        },
        'plan_settings': {
            'key': 'plan_id',
            'is_unique': False,
            'other_key': None,
            'ids': ['plan_id'],
            'columns': [
                'rank', 'urn', 'ukprn', 'setting', 'setting_note', 'sen_unit',
                'resourced_provision',
            ],
            'dates': [],
            'words': [],
        },
        'placements': {
            'key': 'placement_id',
            'is_unique': True,
            'other_key': None,
            'ids': ['placement_id', 'plan_id'],
            'columns': [
                'rank', 'urn', 'ukprn', 'setting', 'setting_note', 'sen_unit',
                'resourced_provision', 'residential', 'work_based', 'attendance', 'entry_date',
                'leaving_date',
            ],
            'dates': ['entry_date', 'leaving_date'],
            'words': [],
        },
        'needs': {
            'key': 'plan_id',
            'is_unique': False,
            'other_key': None,
            'ids': ['plan_id'],
            'columns': ['rank', 'need'],
            'dates': [],
            'words': [],
        },
        'reviews': {
            'key': 'plan_id',
            'is_unique': False,
            'other_key': None,
            'ids': ['plan_id'],
            'columns': [
                'meeting_date', 'decision', 'decision_date', 'draft_date',
                'phase_transfer_due_date', 'phase_transfer_final_date',
            ],
            'dates': [
                'meeting_date', 'decision_date', 'draft_date', 'phase_transfer_due_date',
                'phase_transfer_final_date',
            ],
            'words': [],
        },
        'establishments': {
            'key': 'urn',
            'is_unique': True,
            'other_key': None,
            'ids': [],
            'columns': [
                'ukprn', 'name', 'type_code', 'status_code', 'open_date', 'close_date',
                'has_sen_unit', 'has_resourced_provision',
            ],
            'dates': ['open_date', 'close_date'],
            'words': [],
        },
    }) }}
{%- endmacro %}
