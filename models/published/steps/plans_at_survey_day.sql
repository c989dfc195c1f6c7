-- One row per plan in force on the survey day, per return. A plan with no start date has started.
select * from {{ ref('plans_described') }}
where
    {{ is_open_on('start_date', 'cease_date', 'survey_day') }}
