-- The plans behind a figure of sen_need_newplans.csv, EHC plans new in the calendar year: one row
-- per figure and plan.
-- A percentage is made of the count of the same need.
{{ rows_of_needs('sen_need_newplans', ref('plans_started')) }}
