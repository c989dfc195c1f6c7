-- One row per request of a return: the case, with its person's birth date, its parts and its words.
-- A file may repeat a part of a request, which rule F03 reports: the first by its dates counts.
{% set firsts = {
    'assessment': ['assessment_outcome_date', 'assessment_outcome'],
    'named_plan': ['start_date', 'cease_date'],
    'active_plans': ['review_meeting', 'transfer_la'],
} %}
{% set counts = [
    'setting', 'main_setting', 'second_setting', 'other_setting', 'need', 'main_need',
    'second_need', 'placement', 'open_placement', 'open_main', 'open_second', 'not_left',
    'other_placement',
] %}
with

returns as (
    select * from {{ ref('returns') }}
),

{% for part, order in firsts.items() %}
    {{ part }} as (
        select
            * exclude (person_id),
            true as has_{{ part }},
        from {{ ref(part) }}
        qualify row_number() over (
            partition by return_id, request_id
            order by {{ order | join(' nulls last, ') }} nulls last
        ) = 1
    ),
{% endfor %}

settings_with_year as (
    select
        plan_detail.*,
        returns.collection_year,
    from {{ ref('plan_detail') }} as plan_detail
    inner join returns on plan_detail.return_id = returns.return_id
),

settings_with_words as (
    {{ with_words('settings_with_year', {
        'placement_rank': 'PlacementRank',
        'sen_setting': 'SENSetting',
    }) }}
),

settings as (
    select
        return_id,
        request_id,
        count(*) as setting_count,
        count(*) filter (placement_rank_word = 'main') as main_setting_count,
        count(*) filter (placement_rank_word = 'second') as second_setting_count,
        count(*) filter (sen_setting_word in ('other', 'not_in_education_other'))
            as other_setting_count,
        string_agg(placement_rank, ', ' order by placement_rank) as setting_ranks,
    from settings_with_words
    group by return_id, request_id
),

needs_with_year as (
    select
        sen_need.*,
        returns.collection_year,
    from {{ ref('sen_need') }} as sen_need
    inner join returns on sen_need.return_id = returns.return_id
),

needs_with_words as (
    {{ with_words('needs_with_year', {'sen_type_rank': 'SENtypeRank'}) }}
),

needs as (
    select
        return_id,
        request_id,
        count(*) as need_count,
        count(*) filter (sen_type_rank_word = 'main') as main_need_count,
        count(*) filter (sen_type_rank_word = 'second') as second_need_count,
        string_agg(sen_type_rank, ', ' order by sen_type_rank) as need_ranks,
        min(sen_type) filter (sen_type_rank_word = 'main') as main_need,
    from needs_with_words
    group by return_id, request_id
),

placements as (
    select
        return_id,
        request_id,
        count(*) as placement_count,
        count(*) filter (is_open) as open_placement_count,
        count(*) filter (is_open and placement_rank_word = 'main') as open_main_count,
        count(*) filter (is_open and placement_rank_word = 'second') as open_second_count,
        count(*) filter (leaving_date is null) as not_left_count,
        count(*) filter (sen_setting_word in ('other', 'not_in_education_other'))
            as other_placement_count,
        string_agg(placement_rank, ', ' order by placement_rank) filter (is_open)
            as open_placement_ranks,
        min(entry_date) as first_entry_date,
        max(entry_date) as last_entry_date,
        max(leaving_date) as last_leaving_date,
        max(leaving_date) filter (placement_rank_word = 'main') as last_main_leaving_date,
        max(leaving_date) filter (is_open and placement_rank_word = 'main')
            as open_main_leaving_date,
        -- Of several open ones, the one that began first; of those that are not, the one left last.
        min_by(placement_id, (entry_date, placement_id)) filter (
            is_open and placement_rank_word = 'main' and entry_date is not null
        ) as first_open_main_id,
        min_by(placement_id, (entry_date, placement_id)) filter (
            is_open and placement_rank_word = 'second' and entry_date is not null
        ) as first_open_second_id,
        max_by(placement_id, (leaving_date, placement_id)) filter (
            placement_rank_word = 'main' and leaving_date is not null
        ) as last_left_main_id,
        list(entry_date order by entry_date) || list(leaving_date order by leaving_date)
            as placement_dates,
        max(coalesce(leaving_date, 'infinity')) filter (
            placement_rank_word = 'main'
            and sen_setting_word in ('not_in_education', 'not_in_education_other')
        ) as out_of_education_until,
        max(coalesce(leaving_date, 'infinity')) filter (
            placement_rank_word = 'main' and coalesce(urn, ukprn) is not null
        ) as at_school_until,
    from {{ ref('placement_records') }}
    group by return_id, request_id
),

-- The authority's own record of a transfer in, which the return shows in the year of it alone.
transfers as (
    select
        'built' as return_id,
        request_id,
    from {{ ref('case_plans') }}
    where is_transferred_in
),

people as (
    select
        return_id,
        person_id,
        any_value(person_birth_date) as person_birth_date,
    from {{ ref('person') }}
    group by return_id, person_id
),

cases as (
    select
        requests.*,
        assessment.* exclude (return_id, request_id),
        named_plan.* exclude (return_id, request_id),
        active_plans.* exclude (return_id, request_id),
        settings.* exclude (return_id, request_id),
        needs.* exclude (return_id, request_id),
        placements.* exclude (return_id, request_id),
        people.person_birth_date,
        transfers.request_id is not null as was_transferred_in,
        returns.collection_year,
        returns.survey_day,
        returns.period_start,
    from {{ ref('requests') }} as requests
    inner join returns on requests.return_id = returns.return_id
    {% for part in ['assessment', 'named_plan', 'active_plans', 'settings', 'needs', 'placements',
        'transfers'] %}
        left join {{ part }}
            on requests.return_id = {{ part }}.return_id
                and requests.request_id = {{ part }}.request_id
    {% endfor %}
    left join people
        on requests.return_id = people.return_id and requests.person_id = people.person_id
),

worded as (
    {{ with_words('cases', {
        'request_outcome': 'RequestOutcome',
        'request_mediation': 'RequestMediation',
        'request_tribunal': 'RequestTribunal',
        'request_source': 'RequestSource',
        'rya': 'YesNo',
        'assessment_outcome': 'AssessmentOutcome',
        'assessment_mediation': 'AssessmentMediation',
        'assessment_tribunal': 'AssessmentTribunal',
        'other_mediation': 'OtherMediation',
        'other_tribunal': 'OtherTribunal',
        'week20': 'Week20',
        'pb': 'PB',
        'oa': 'OA',
        'dp': 'DP',
        'cease_reason': 'CeaseReason',
        'review_outcome': 'ReviewOutcome',
        'res': 'Residential',
        'wbp': 'WorkBasedLearning',
        'transfer_la': 'LA',
    }) }}
)

select
    * exclude (
        collection_year,
        survey_day,
        period_start,
        was_transferred_in,
        out_of_education_until,
        at_school_until,
        {% for part in firsts %}has_{{ part }},{% endfor %}
        {% for count in counts %}
            {{ count }}_count,
        {% endfor %}
    ),
    {% for count in counts %}
        coalesce({{ count }}_count, 0) as {{ count }}_count,
    {% endfor %}
    {% for part in firsts %}
        coalesce(has_{{ part }}, false) as has_{{ part }},
    {% endfor %}
    coalesce(request_outcome_word in ('agreed', 'refused'), false) as is_request_decided,
    coalesce(request_outcome_word = 'historical', false) as is_request_historical,
    exported is not null as is_moved_away,
    transfer_la is not null or was_transferred_in as is_transferred_in,
    coalesce(
        exported is null
        and (request_outcome_word = 'undecided' or assessment_outcome_word = 'undecided'),
        false
    ) as is_open,
    coalesce(
        assessment_outcome_word in ('undecided', 'withdrawn')
        or (
            assessment_outcome_word in ('issued', 'refused')
            and coalesce(assessment_outcome_date >= period_start, true)
        ),
        false
    ) as has_assessment_in_period,
    coalesce(has_named_plan, false)
    and coalesce(start_date <= survey_day, true)
    and coalesce(cease_date >= period_start, true) as has_plan_in_period,
    coalesce(has_named_plan, false)
    and {{ is_open_on('start_date', 'cease_date', 'survey_day') }} as is_plan_active,
    coalesce(out_of_education_until >= cease_date, false) as was_out_of_education_at_end,
    coalesce(at_school_until > cease_date, false) as was_at_school_after_end,
    assessment_outcome_date - received_date as days_to_outcome,
from worded
