-- One row per figure that DfE has published of an authority and collection year: the newest
-- release's, and of two files of a release the corrected one's.
select
    figures.la_code,
    figures.collection_year,
    figures.dataset,
    figures.breakdown_topic,
    figures.breakdown,
    figures.is_total,
    figures.figure,
    coalesce(
        defects.what,
        if(figures.is_withdrawn, 'DfE has corrected it since: give the corrected file', null)
    ) as defect,
    case when defect is null and figures.is_available then figures.value end as value,
    case when defect is null then figures.number end as number,
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
    order by
        figures.release desc nulls last,
        figures.is_corrected desc,
        figures._file asc, figures._row asc
) = 1
