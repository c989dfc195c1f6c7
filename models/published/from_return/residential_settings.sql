-- One row per return and breakdown: plans with an open residential placement on the survey day.
{% set settings = {'Res_3851': 'A', 'Res_52': 'B'} %}
with

figures as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        {% for column, code in settings.items() %}
            count(*) filter (list_contains(residential_codes, '{{ code }}')) as {{ column }},
        {% endfor %}
        {{ settings | join(' + ') }} as Res_tot,
    from ({{ in_breakdowns('residential_settings', ref('plans_at_survey_day')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
)

{{ as_published('figures', 'academic_year', 'Academic year') }}
