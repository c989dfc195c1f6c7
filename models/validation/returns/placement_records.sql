-- One row per placement of a return, with our words for its codes, and whether it was open.
with

placements as (
    select
        placement_detail.*,
        {{ is_open_on(
            'placement_detail.entry_date', 'placement_detail.leaving_date', 'returns.survey_day'
        ) }} as is_open,
        returns.collection_year,
    from {{ ref('placement_detail') }} as placement_detail
    inner join {{ ref('returns') }} as returns on placement_detail.return_id = returns.return_id
),

placements_with_words as (
    {{ with_words('placements', {
        'placement_rank': 'PlacementRank',
        'sen_setting': 'SENSetting',
        'res': 'Residential',
        'wbp': 'WorkBasedLearning',
    }) }}
)

select * exclude (collection_year),
from placements_with_words
