-- Which of our shares lie outside the band that nearly all authorities of England are in?
-- One row per share of a whole table, the furthest outside first: a reason to look, not a fault.
select
    dataset,
    figure,
    share_of,
    share,
    band_low,
    band_high,
    greatest(band_low - share, share - band_high) as points_outside,
    last_year,
from {{ ref('figure_changes') }}
where return_id = 'built' and is_outside_band
order by points_outside desc, dataset asc, figure asc
