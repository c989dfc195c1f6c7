-- No two rows about the same thing hold in the same year, and every interval runs forwards.
with

intervals as (
    {% for seed, thing in {
        'items': "table_name || '.' || xml_tag",
        'codes': "codeset || '.' || code",
        'xml_structure': "parent || '.' || element",
        'outcome_codes': "stage || '.' || outcome",
        'code_words': "codeset || '.' || code",
        'thresholds': 'name',
    }.items() %}
        select
            '{{ seed }}' as seed,
            {{ thing }} as thing,
            year_from,
            year_to,
        from {{ ref(seed) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    seed,
    thing,
    year_from,
    year_to,
from intervals
qualify
    year_from > year_to
    or year_to >= lead(year_from) over (partition by seed, thing order by year_from, year_to)
