-- One row per placement, per group of placements and for all: plans made for the first time in the
-- calendar year, as in DfE's 2022 release.
{{ plans_by_placement('new_plans', 'Total_new', 'calendar_year') }}
