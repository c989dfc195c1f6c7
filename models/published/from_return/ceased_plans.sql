-- One row per return and breakdown: plans ceased in the calendar year, by reason.
-- DfE's labels of `other` and `not_rec` look swapped: here they hold what they are called.
{% set reasons = {
    'maximum_age': 'max_age',
    'needs_met': 'needs_met',
    'higher_education': 'he',
    'employment': 'employ',
    'transferred': 'transfer',
    'left_education': 'no_engage',
    'moved_abroad': 'moved_outside_eng',
    'death': 'deceased',
} %}
with

figures as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        {% for word, column in reasons.items() %}
            count(*) filter (cease_reason_word = '{{ word }}') as {{ column }},
        {% endfor %}
        count(request_id) filter (cease_reason is null) as not_rec,
        -- The code for other, and whatever is no code.
        count(*) filter (
            cease_reason is not null
            and coalesce(cease_reason_word not in ('{{ reasons | join("', '") }}'), true)
        ) as other,
        count(request_id) as total_ceased,
    from ({{ in_breakdowns('ceased_plans', ref('plans_ceased')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
)

{{ as_published('figures', 'calendar_year', 'Calendar year') }}
