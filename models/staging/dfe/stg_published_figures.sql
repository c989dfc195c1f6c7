-- One row per figure of DfE's published tables as landed: a row and column of a file.
select
    try_cast(left(figures.release, 4) as integer) as release,
    coalesce(contains(figures.release, 'corrected'), false) as is_corrected,
    coalesce(contains(figures.release, 'withdrawn'), false) as is_withdrawn,
    figures.dataset,
    figures.time_period,
    -- DfE has written the academic year for a calendar year too.
    case
        when datasets.period = 'survey_year' then figures.time_period::integer
        else left(figures.time_period, 4)::integer + 1
    end as collection_year,
    figures.la_code,
    figures.breakdown_topic,
    {{ row_in_words('figures.breakdown_topic', 'figures.breakdown', 'datasets.total_row') }}
        as breakdown,
    {{ is_total_row('figures.breakdown_topic', 'figures.breakdown', 'datasets.total_row') }}
        as is_total,
    figures.figure,
    figures.value,
    try_cast(figures.value as double) as number,
    number is not null or coalesce(symbols.is_answer, false) as is_available,
    figures._file,
    figures._row,
from {{ source('raw', 'published_figures') }} as figures
inner join {{ ref('published_datasets') }} as datasets on figures.dataset = datasets.dataset
left join {{ ref('published_symbols') }} as symbols on figures.value = symbols.symbol
