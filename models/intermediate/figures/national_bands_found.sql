-- One row per share and collection year that enough authorities have in DfE's files as given: its
-- band.
{% set ends = {'low': 'from_place', 'high': 'to_place'} %}
with

limits as (
    select limits.*
    from {{ ref('year_limits') }} as limits
    semi join {{ ref('survey') }} as survey on limits.collection_year = survey.collection_year
),

shares as (
    {{ shares_of(ref('dfe_figures'), ['la_code', 'collection_year']) }}
),

authorities as (
    select
        dataset,
        breakdown,
        figure,
        collection_year,
        list(share order by share) as sorted,
        count(*) as authority_count,
    from shares
    where share is not null
    group by dataset, breakdown, figure, collection_year
),

-- The places of the band's ends among the authorities, which may be between two.
placed as (
    select
        authorities.*,
        1 + (authority_count - 1) * limits.band_from as from_place,
        1 + (authority_count - 1) * limits.band_to as to_place,
    from authorities
    cross join limits
    where authorities.authority_count >= limits.band_authorities
)

select
    dataset,
    breakdown,
    figure,
    collection_year,
    {% for end, place in ends.items() %}
        round(
            sorted[floor({{ place }})::integer]
            + ({{ place }} - floor({{ place }}))
            * (sorted[ceil({{ place }})::integer] - sorted[floor({{ place }})::integer]),
            1
        ) as {{ end }},
    {% endfor %}
    sorted[1] as lowest,
    sorted[-1] as highest,
    authority_count,
from placed
