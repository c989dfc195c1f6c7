-- One row per return and breakdown: plans issued in the calendar year, by time since the request.
-- Every figure is there twice: with exceptions to the limit, and (_ex) without.
{% set bases = {'': 'true', '_ex': 'not is_exception'} %}
with

counted as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        {% for suffix, base in bases.items() %}
            count(request_id) filter ({{ base }}) as den{{ suffix }},
            count(*) filter ({{ base }} and days <= issue_days) as within{{ suffix }},
            count(*) filter (
                {{ base }} and days > issue_days and days <= year_after_days
            ) as over{{ suffix }},
            count(*) filter ({{ base }} and days > year_after_days)
                as over_a_year{{ suffix }},
            format('{:g}', round(avg(days) filter ({{ base }}) / 7, 1)) as weeks{{ suffix }},
        {% endfor %}
    from ({{ in_breakdowns('timeliness_20_week', ref('plans_timed')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
),

figures as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        {% for suffix in bases %}
            {% set pc = 'PC' if suffix else 'pc' %}
            den{{ suffix }} as plans_issued_den{{ suffix }},
            {% for count, column in {
                'within': 'plans_issued_' ~ ('' if suffix else 'within_') ~ '20_weeks',
                'over': 'plans_issued_gt20weeks_ltYear',
                'over_a_year': 'plans_issued_gt_1_year',
            }.items() %}
                {{ count ~ suffix }} as {{ column ~ suffix }},
                {{ share_of(count ~ suffix, 'den' ~ suffix) }} as {{ pc }}_{{ column ~ suffix }},
            {% endfor %}
            weeks{{ suffix }} as avg_weeks_issue_plan{{ '_exc' if suffix }},
        {% endfor %}
    from counted
)

{{ as_published('figures', 'calendar_year', 'Calendar year') }}
