-- One row per figure of a return: beside last year's, and its share beside the band seen
-- nationally.
with

figures as (
    select * from {{ ref('figures') }}
),

returns as (
    select * from {{ ref('returns_compared') }}
),

-- DfE leaves out a row with nobody in it: where it gives others of the topic, the row is 0.
topics_given as (
    select distinct
        la_code,
        collection_year,
        dataset,
        breakdown_topic,
        figure,
    from {{ ref('dfe_figures') }}
    where breakdown_topic is not null
),

-- What DfE's files hold of the authority and year, whatever the row.
figures_given as (
    select distinct
        la_code,
        collection_year,
        dataset,
        figure,
    from {{ ref('dfe_figures') }}
),

datasets_given as (
    select distinct
        la_code,
        collection_year,
        dataset,
    from figures_given
),

shares as (
    {{ shares_of(ref('figures'), ['return_id']) }}
),

-- The newest band of the share that is not of a later year.
bands as (
    select
        returns.return_id,
        bands.*,
    from {{ ref('national_bands_in_use') }} as bands
    inner join returns on bands.collection_year <= returns.collection_year
    qualify row_number() over (
        partition by returns.return_id, bands.dataset, bands.breakdown, bands.figure
        order by bands.collection_year desc
    ) = 1
),

beside as (
    select
        figures.*,
        {{ is_percentage('figures.figure') }} as is_percentage,
        case
            when dfe.value is not null then dfe.value
            when earlier.number is not null then earlier.value
            when dfe.figure is null and topics_given.figure is not null and not is_percentage
                then '0'
            else earlier.value
        end as last_year,
        case
            when dfe.value is not null then dfe.source_file || ', row ' || dfe.source_row
            when earlier.number is not null then 'return ' || earlier.return_id
            when last_year = '0' then 'no row in DfE''s file, so 0'
            when earlier.value is not null then 'return ' || earlier.return_id
            when dfe.defect is not null then 'not used: ' || dfe.defect
        end as last_year_source,
        case
            when last_year is not null then null
            when dfe.defect is not null then dfe.defect
            when dfe.figure is not null then 'DfE gives no number for it'
            when figures_given.figure is not null then 'DfE''s file has no such row'
            when datasets_given.dataset is not null then 'DfE''s file has no such figure'
            when earlier.figure is not null
                then 'the return of the year before has no number for it'
            else 'no file of DfE''s and no return of the year before has the table'
        end as no_last_year,
        try_cast(last_year as double) as last_number,
        shares.share,
        shares.what as share_of,
        shares.share_of_number,
        bands.low as band_low,
        bands.high as band_high,
        bands.collection_year as band_year,
        bands.authority_count as band_authorities,
    from figures
    inner join returns on figures.return_id = returns.return_id
    left join {{ ref('dfe_figures') }} as dfe
        on returns.la_code = dfe.la_code
            and returns.collection_year = dfe.collection_year + 1
            and figures.dataset = dfe.dataset
            and figures.is_total = dfe.is_total
            and (figures.is_total or lower(figures.breakdown) = lower(dfe.breakdown))
            and figures.figure = dfe.figure
    left join figures as earlier
        on returns.return_before = earlier.return_id
            and figures.dataset = earlier.dataset
            and figures.breakdown = earlier.breakdown
            and figures.figure = earlier.figure
    left join topics_given
        on returns.la_code = topics_given.la_code
            and returns.collection_year = topics_given.collection_year + 1
            and figures.dataset = topics_given.dataset
            and figures.breakdown_topic = topics_given.breakdown_topic
            and figures.figure = topics_given.figure
    left join figures_given
        on returns.la_code = figures_given.la_code
            and returns.collection_year = figures_given.collection_year + 1
            and figures.dataset = figures_given.dataset
            and figures.figure = figures_given.figure
    left join datasets_given
        on returns.la_code = datasets_given.la_code
            and returns.collection_year = datasets_given.collection_year + 1
            and figures.dataset = datasets_given.dataset
    left join shares
        on figures.return_id = shares.return_id
            and figures.dataset = shares.dataset
            and figures.breakdown = shares.breakdown
            and figures.figure = shares.figure
    left join bands
        on figures.return_id = bands.return_id
            and figures.dataset = bands.dataset
            and figures.breakdown = bands.breakdown
            and figures.figure = bands.figure
            and shares.share is not null
)

select
    return_id,
    dataset,
    breakdown,
    is_total,
    figure,
    value as this_year,
    last_year,
    last_year_source,
    no_last_year,
    round(number - last_number, 1) as change,
    case
        when not is_percentage
            then round(100 * (number - last_number) / nullif(last_number, 0), 1)
    end as change_percent,
    share,
    share_of,
    band_low,
    band_high,
    band_year,
    band_authorities,
    not share between band_low and band_high as is_outside_band,
    round(greatest(band_low - share, share - band_high, 0) / 100 * share_of_number, 0)::bigint
        as count_outside_band,
from beside
order by return_id, position
