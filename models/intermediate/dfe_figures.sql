-- One row per figure that DfE has published of an authority and collection year: the newest release's.
select
    figures.la_code,
    figures.collection_year,
    figures.dataset,
    figures.breakdown_topic,
    figures.breakdown,
    figures.is_total,
    figures.figure,
    case when defects.what is null and figures.is_available then figures.value end as value,
    case when defects.what is null then figures.number end as number,
    defects.what as defect,
    figures._file as source_file,
    figures._row as source_row,
from {{ ref('stg_published_figures') }} as figures
left join {{ ref('local_authorities') }} as authorities
    on figures.la_code = authorities.old_la_code
left join {{ ref('published_defects') }} as defects
    on figures.dataset = defects.dataset
        and figures.time_period = defects.time_period
        and figures.figure = defects.figure
        and coalesce(figures.la_code = defects.old_la_code, true)
        and (defects.region_name is null or authorities.region_name = defects.region_name)
qualify row_number() over (
    partition by
        figures.la_code,
        figures.collection_year,
        figures.dataset,
        case when not figures.is_total then lower(figures.breakdown) end,
        figures.figure
    order by figures.release desc nulls last, figures._file, figures._row
) = 1
