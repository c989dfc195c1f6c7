-- One row per return and breakdown: plans with an open residential placement on the survey day.
{% set settings = {'Res_3851': 'weeks_38_to_51', 'Res_52': 'weeks_52'} %}
with

figures as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        {% for column, word in settings.items() %}
            count(*) filter (list_contains(residential_words, '{{ word }}')) as {{ column }},
        {% endfor %}
        {{ settings | join(' + ') }} as Res_tot,
    from ({{ in_breakdowns('residential_settings', ref('plans_at_survey_day')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
)

{{ as_published('figures', 'academic_year', 'Academic year') }}
