-- The requests behind a figure of requests.csv: one row per figure and request.
-- A percentage is made of the count it is a share of.
with

judged as (
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        is_received as requests_received_in_year,
        is_received and is_in_youth_accommodation as requests_rya,
        is_received and request_outcome_word = 'agreed' as requests_decided_to_assess,
        is_received and request_outcome_word = 'refused' as requests_decided_not_to_assess,
        is_received and request_outcome_word = 'undecided' as requests_decision_not_made,
        is_received and request_outcome_word = 'withdrawn' as requests_withdrawn,
        is_decided and is_in_time as request_outcome_six_weeks,
        is_decided and not is_in_time as request_outcome_over_6_weeks,
        is_received and has_mediation as mediation_related_request,
        is_received and has_tribunal as tribunal_related_request,
        is_received and has_mediation and has_tribunal as tribunal_after_mediation_request,
    from ({{ in_breakdowns('requests', ref('requests_decided_or_received')) }})
),

counted as (
    {{ figures_counting('judged') }}
)

{{ rows_behind('counted', 'requests') }}
