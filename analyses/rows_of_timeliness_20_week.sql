-- The plans issued behind a figure of timeliness_20_week.csv: one row per figure and assessment.
-- A percentage is made of the count it is a share of.
with

judged as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        request_id is not null as plans_issued_den,
        not is_exception as plans_issued_den_ex,
        days <= issue_days as plans_issued_within_20_weeks,
        days <= issue_days and not is_exception as plans_issued_20_weeks_ex,
        days > issue_days and days <= year_after_days as plans_issued_gt20weeks_ltyear,
        days > issue_days and days <= year_after_days and not is_exception
            as plans_issued_gt20weeks_ltyear_ex,
        days > year_after_days as plans_issued_gt_1_year,
        days > year_after_days and not is_exception as plans_issued_gt_1_year_ex,
    from ({{ in_breakdowns('timeliness_20_week', ref('plans_timed')) }})
),

counted as (
    {{ figures_counting('judged') }}
)

{{ rows_behind('counted', 'assessment') }}
