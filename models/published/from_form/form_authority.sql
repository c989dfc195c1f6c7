-- One row in a year that has an aggregated form, none in others: the authority and the periods.
select
    'built' as return_id,
    survey.collection_year::varchar as survey_year,
    (survey.collection_year - 1)::varchar as calendar_year,
    coalesce(authorities.region_code, 'x') as region_code,
    coalesce(authorities.region_name, 'x') as region_name,
    coalesce(survey.la_code, 'x') as old_la_code,
    coalesce(authorities.new_la_code, 'x') as new_la_code,
    coalesce(authorities.la_name, 'x') as la_name,
from {{ ref('survey') }} as survey
inner join {{ ref('collections') }} as collections
    on survey.collection_year = collections.collection_year and collections.has_aggregated
left join {{ ref('local_authorities') }} as authorities
    on survey.la_code = authorities.old_la_code
        and survey.collection_year between authorities.year_from and authorities.year_to
