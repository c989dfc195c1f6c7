-- One row per pair of returns, person in both and identifier, name or date of birth that differs.
{% set items = [
    ('UPN', 'upn', 'identifier_changed'),
    ('UniqueLearnerNumber', 'unique_learner_number', 'identifier_changed'),
    ('person id', 'person_id', 'identifier_changed'),
    ('Surname', 'surname', 'details_changed'),
    ('Forename', 'forename', 'details_changed'),
    ('PersonBirthDate', 'person_birth_date', 'details_changed'),
] %}
with

people as (
    select * from {{ ref('person') }}
),

compared as (
    {% for item, column, kind in items %}
        select
            matches.earlier_return_id,
            matches.later_return_id,
            matches.earlier_person_id,
            matches.later_person_id,
            '{{ kind }}' as kind,
            '{{ item }}' as item,
            earlier.{{ column }}::varchar as earlier_value,
            later.{{ column }}::varchar as later_value,
        from {{ ref('compared_matches') }} as matches
        inner join people as earlier
            on matches.earlier_return_id = earlier.return_id
                and matches.earlier_person_id = earlier.person_id
        inner join people as later
            on matches.later_return_id = later.return_id
                and matches.later_person_id = later.person_id
        {% if column == 'person_id' %}
            -- Ids that only number the records of a file say nothing.
            inner join {{ ref('compared_returns') }} as pairs
                on matches.earlier_return_id = pairs.earlier_return_id
                    and matches.later_return_id = pairs.later_return_id
                    and pairs.has_common_ids
        {% endif %}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from compared
where earlier_value is distinct from later_value
