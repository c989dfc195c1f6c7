-- One row per placement, per group of placements and for all: plans maintained on the survey day,
-- as in DfE's 2022 release.
{{ plans_by_placement('plans', 'Total', 'survey_year') }}
