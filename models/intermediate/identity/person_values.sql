-- One row per value of a person that several rows describe: whose it is, and whether it counts. The
-- first source in the order that has a value is believed.
{% set columns = contract_tables()['people'].columns %}
with

sources as (
    select * from {{ source('audit', 'sources') }}
),

accepted_people as (
    {{ not_rejected('people', identified('people')) }}
    where (select count(*) > 1 from sources)
),

described as (
    select
        people.*,
        sources.place,
        coalesce(people.upn, people.uln) is not null as has_number,
        bool_or(has_number) over (partition by people.person_id) as is_numbered,
    from accepted_people as people
    inner join sources on people._source = sources.source
    qualify count(*) over (partition by people.person_id) > 1
),

cells as (
    {% for column in columns %}
        select
            person_id,
            '{{ column }}' as column_name,
            {{ column }}::varchar as value,
            -- Why there is no number is said by whoever has the number, when somebody has.
            {{ 'has_number or not is_numbered' if column == 'no_identifier_reason' else 'true' }}
                as may_count,
            _source as source,
            place,
            _file,
            _row,
        from described
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    * exclude (may_count, place),
    row_number() over (
        partition by person_id, column_name
        order by not may_count, value is null, place, _file, _row
    ) = 1 as is_believed,
    min(place) over (partition by person_id) = place as is_first_source,
from cells
