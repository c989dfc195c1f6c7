-- One row per plan per return: when it counts, what it holds, and what it is broken down by.
select
    plans.return_id,
    plans.request_id,
    plans.start_date,
    plans.cease_date,
    plans.cease_reason,
    plans.cease_reason_word,
    plans.pb_word,
    plans.oa_word,
    plans.dp_word,
    plans.transfer_la,
    plans.is_transferred_in,
    plans.review_meeting,
    plans.review_outcome_word,
    plans.last_review,
    plans.main_need as need,
    coalesce(open_activities.residential_words, []) as residential_words,
    coalesce(open_activities.work_based_words, []) as work_based_words,
    coalesce(placements.setting, 'placement_unknown') as setting,
    coalesce(placements.setting_group, 'placement_unknown') as setting_group,
    placements.setting_kind,
    people.by_sex,
    people.by_ethnicity,
    coalesce(placements.setting, 'placement_unknown') as by_setting,
    coalesce(placements.setting_group, 'placement_unknown') as by_setting_group,
    {{ age_on('people.birth_date', 'returns.age_reference_date') }} as by_age,
    {{ age_on('people.birth_date', 'plans.start_date') }} as by_start_age,
    {{ age_on('people.birth_date', 'returns.year_end') }} as by_year_end_age,
    {{ age_on('people.birth_date', 'plans.cease_date') }} as by_cease_age,
    year(returns.survey_day) - year(plans.start_date) as by_survey_years_held,
    year(returns.year_end) - year(plans.start_date) as by_calendar_years_held,
    {{ age_on('plans.start_date', 'plans.cease_date') }} as by_cease_years_held,
    plans.phase_transfer_due_date,
    plans.phase_transfer_final_date,
    year(returns.survey_day) as survey_year,
    returns.survey_day,
    returns.year_start,
    returns.year_end,
    returns.review_days,
from {{ ref('case_records') }} as plans
inner join {{ ref('published_returns') }} as returns on plans.return_id = returns.return_id
left join {{ ref('people_described') }} as people
    on plans.return_id = people.return_id and plans.person_id = people.person_id
left join {{ ref('open_activities') }} as open_activities
    on plans.return_id = open_activities.return_id
        and plans.request_id = open_activities.request_id
left join {{ ref('placements_counted') }} as placements
    on plans.return_id = placements.return_id and plans.request_id = placements.request_id
where plans.has_named_plan
