-- One row per plan in force on the survey day, per return. A plan with no start date has started.
select * from {{ ref('plans_described') }}
where
    coalesce(start_date <= survey_day, true)
    and coalesce(cease_date > survey_day, true)
