-- One row per return and breakdown: EHC plans new in the calendar year, by setting.
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
        count(request_id) as new_ehc_plans,
        {{ setting_counts() }}
    from ({{ in_breakdowns('newplans', ref('plans_started')) }})
    group by
        return_id, position, breakdown_topic, breakdown, is_known, are_schools_known,
        are_providers_known
),

figures as (
    select
        *,
        {% for group in groups %}
            {{ share_of(group, 'new_ehc_plans') }} as {{ group }}_pc,
        {% endfor %}
        -- Only the aggregated form had these two.
        null as await_prov_2022,
        null as perm_ex_2022,
    from counted
)

{{ as_published('figures', 'calendar_year', 'Calendar year') }}
