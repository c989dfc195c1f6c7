-- One row per return and breakdown: EHC plans in force on the survey day, by setting.
{% set groups = [
    'mainstream_total', 'special_total', 'AP_PRU_total', 'fe_total', 'ed_elsewhere',
    'nm_early_years', 'placement_unknown',
] %}
with

counted as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        count(request_id) as ehcplans,
        {{ setting_counts() }}
    from ({{ in_breakdowns('caseload', ref('plans_at_survey_day')) }})
    group by
        return_id, position, breakdown_topic, breakdown, is_known, are_schools_known,
        are_providers_known
),

figures as (
    select
        *,
        {% for group in groups %}
            {{ share_of(group, 'ehcplans') }} as {{ group }}_pc,
        {% endfor %}
        -- Only the aggregated form had these two.
        null as await_prov_2022,
        null as perm_ex_2022,
    from counted
)

{{ as_published('figures', 'academic_year', 'Academic year') }}
