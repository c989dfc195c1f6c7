-- At which establishments and other settings are the children and young people with a plan?
-- One row per establishment or setting on the survey day, the largest first.
select
    coalesce(schools.name, providers.name, placements.sen_setting, 'Not named') as placed_at,
    placements.urn,
    placements.ukprn,
    count(distinct placements.person_id) as person_count,
    count(distinct placements.person_id) filter (placements.res is not null) as residential_count,
from {{ ref('placement_records') }} as placements
inner join {{ ref('plans_at_survey_day') }} as plans
    on placements.return_id = plans.return_id and placements.request_id = plans.request_id
left join {{ ref('establishments') }} as schools on placements.urn = schools.urn
left join {{ ref('establishments') }} as providers
    on placements.urn is null
        and placements.ukprn = providers.ukprn
        and providers.is_ukprn_holder
where
    placements.return_id = 'built'
    and placements.placement_rank_word = 'main'
    and placements.is_open
group by all
order by person_count desc, placed_at asc, placements.urn asc, placements.ukprn asc
