-- The plans behind a figure of phase_transfers.csv: one row per figure and plan.
with

judged as (
    select
        return_id,
        request_id,
        'Authority' as breakdown_topic,
        'Authority' as breakdown,
        true as number_plans,
        phase_transfer_due_date between year_start and year_end as due_calendar_year,
        year(phase_transfer_due_date) = survey_year as due_survey_year,
        phase_transfer_final_date between year_start and year_end as final_calendar_year,
        year(phase_transfer_final_date) = survey_year as final_survey_year,
    from {{ ref('plans_at_survey_day') }}
),

counted as (
    {{ figures_counting('judged') }}
)

{{ rows_behind('counted', 'active_plans') }}
