-- One row per return and breakdown: plans ceased in the calendar year, by reason.
-- DfE's labels of `other` and `not_rec` look swapped: here they hold what they are called.
{% set reasons = {
    '1': 'max_age',
    '2': 'needs_met',
    '3': 'he',
    '4': 'employ',
    '5': 'transfer',
    '6': 'no_engage',
    '7': 'moved_outside_eng',
    '8': 'deceased',
} %}
with

figures as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        {% for code, column in reasons.items() %}
            count(*) filter (cease_reason = '{{ code }}') as {{ column }},
        {% endfor %}
        count(request_id) filter (cease_reason is null) as not_rec,
        -- The code for other, and whatever is no code.
        count(*) filter (cease_reason not in ('{{ reasons | join("', '") }}')) as other,
        count(request_id) as total_ceased,
    from ({{ in_breakdowns('ceased_plans', ref('plans_ceased')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
)

{{ as_published('figures', 'calendar_year', 'Calendar year') }}
