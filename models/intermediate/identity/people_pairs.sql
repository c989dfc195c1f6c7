-- One row per pair of people of two sources that a step holds of, with the step of highest score.
-- Only pairs that share something are looked at; people whose ids one system gave are never a pair.
{% set shared = [
    ['upn'],
    ['uln'],
    ['birth_date', 'surname'],
    ['birth_date', 'forename'],
    ['birth_date', 'postcode'],
    ['surname', 'forename', 'postcode'],
] %}
{% set fields = ['upn', 'uln', 'surname', 'forename', 'birth_date', 'postcode', 'sex'] %}
with

people as (
    select * from {{ ref('people_traits') }}
),

steps as (
    select * from {{ ref('identity_steps') }}
),

limits as (
    select * from {{ ref('year_limits') }}
    where collection_year = {{ var('collection_year') }}
),

candidates as (
    {% for columns in shared %}
        select
            one._file as one_file,
            one._row as one_row,
            other._file as other_file,
            other._row as other_row,
        from people as one
        inner join people as other
            on one.place < other.place
                and one.ids_of <> other.ids_of
                {% for column in columns %}
                    and one.{{ column }} = other.{{ column }}
                {% endfor %}
        union
    {% endfor %}
    select
        one._file,
        one._row,
        other._file,
        other._row,
    from people as one
    inner join people as other
        on one.place < other.place
            and one.ids_of <> other.ids_of
            and one.surname = other.surname
            and one.forename = other.forename
    cross join limits
    where {{ dates_alike('birth_date') }}
),

comparisons as (
    select
        one.person_id,
        other.person_id as other_person_id,
        one.ids_of as of_source,
        other.ids_of as other_source,
        other._file,
        other._row,
        {{ compared('upn', slipped('upn')) }} as upn,
        {{ compared('uln', slipped('uln')) }} as uln,
        {{ compared('surname', names_alike('surname')) }} as surname,
        {{ compared('forename', names_alike('forename')) }} as forename,
        {{ compared('birth_date', dates_alike('birth_date')) }} as birth_date,
        {{ compared('postcode', slipped('postcode')) }} as postcode,
        {{ compared('sex') }} as sex,
    from candidates
    inner join people as one
        on candidates.one_file = one._file and candidates.one_row = one._row
    inner join people as other
        on candidates.other_file = other._file and candidates.other_row = other._row
    cross join limits
)

select
    comparisons.*,
    steps.step,
    steps.score,
    steps.verdict,
    steps.words,
from comparisons
inner join steps
    on {% for field in fields %}
        {{ 'and ' if not loop.first }}(
            coalesce(steps.{{ field }}, '') = ''
            or list_contains(string_split(steps.{{ field }}, ';'), comparisons.{{ field }})
        )
    {% endfor %}
-- People of two sources that share their ids are one already: their best pair speaks for both.
qualify row_number() over (
    partition by comparisons.person_id, comparisons.other_person_id
    order by steps.score desc, comparisons._file asc, comparisons._row asc
) = 1
