-- One row per return and breakdown: requests of the calendar year, by outcome (published.requests).
{% set decisions = '(request_outcome_six_weeks + request_outcome_over_6_weeks)' %}
with

counted as (
    select
        return_id,
        position,
        breakdown_topic,
        breakdown,
        is_known,
        count(*) filter (is_received) as requests_received_in_year,
        count(*) filter (is_received and is_in_youth_accommodation) as requests_rya,
        count(*) filter (is_received and request_outcome_word = 'agreed')
            as requests_decided_to_assess,
        count(*) filter (is_received and request_outcome_word = 'refused')
            as requests_decided_not_to_assess,
        count(*) filter (is_received and request_outcome_word = 'undecided')
            as requests_decision_not_made,
        count(*) filter (is_received and request_outcome_word = 'withdrawn') as requests_withdrawn,
        -- A decision counts in the year it was made, whenever the request came.
        count(*) filter (is_decided and is_in_time) as request_outcome_six_weeks,
        count(*) filter (is_decided and not is_in_time) as request_outcome_over_6_weeks,
        count(*) filter (is_received and has_mediation) as mediation_related_request,
        count(*) filter (is_received and has_tribunal) as tribunal_related_request,
        count(*) filter (is_received and has_mediation and has_tribunal)
            as tribunal_after_mediation_request,
    from ({{ in_breakdowns('requests', ref('requests_decided_or_received')) }})
    group by return_id, position, breakdown_topic, breakdown, is_known
),

figures as (
    select
        *,
        {{ share_of('requests_decided_to_assess', 'requests_received_in_year') }}
            as request_assess_pc,
        {{ share_of('requests_decided_not_to_assess', 'requests_received_in_year') }}
            as request_not_assess_pc,
        {{ share_of('requests_decision_not_made', 'requests_received_in_year') }}
            as request_outstanding_pc,
        {{ share_of('requests_withdrawn', 'requests_received_in_year') }} as request_withdrawn_pc,
        {{ share_of('request_outcome_six_weeks', decisions) }} as request_outcome_six_weeks_pc,
        {{ share_of('request_outcome_over_6_weeks', decisions) }}
            as request_outcome_over_6_weeks_pc,
    from counted
)

{{ as_published('figures', 'calendar_year', 'Calendar year') }}
