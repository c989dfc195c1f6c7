-- One row per date of an accepted row that cannot be true beside an earlier one of its case.
{% set pairs = {
    'requests': [
        ('decision_date', 'received_date'),
        ('withdrawn_date', 'received_date'),
        ('moved_date', 'received_date'),
    ],
    'assessments': [
        ('decision_date', 'received_date'),
        ('decision_date', 'request_decision_date'),
        ('decision_date', 'agreed_date'),
        ('withdrawn_date', 'received_date'),
        ('withdrawn_date', 'request_decision_date'),
        ('withdrawn_date', 'agreed_date'),
        ('agreed_date', 'request_decision_date'),
        ('decision_date', 'issue_decided_date'),
    ],
    'plans': [
        ('cease_date', 'start_date'),
        ('cease_date', 'transferred_date'),
        ('transferred_date', 'start_date'),
    ],
    'placements': [('leaving_date', 'entry_date')],
} %}
{% set dates = {
    'requests': ['received_date', 'decision_date', 'withdrawn_date', 'moved_date'],
    'assessments': ['decision_date', 'withdrawn_date', 'agreed_date', 'issue_decided_date'],
    'plans': ['start_date', 'transferred_date', 'cease_date'],
    'placements': ['entry_date', 'leaving_date'],
} %}
with

survey as (
    select * from {{ ref('survey') }}
),

cases as (
    select * from {{ ref('cases') }}
),

requests as (
    select
        requests.*,
        cases.birth_date,
    from ({{ accepted('requests') }}) as requests
    inner join cases on requests.request_id = cases.request_id
),

assessments as (
    select
        assessments.*,
        cases.person_id,
        cases.birth_date,
        cases.received_date,
        case when cases.request_decision is not null then cases.request_decision_date end
            as request_decision_date,
    from ({{ accepted('assessments') }}) as assessments
    inner join cases on assessments.request_id = cases.request_id
),

plans as (
    select
        plans.*,
        cases.birth_date,
    from {{ ref('case_plans') }} as plans
    inner join cases on plans.request_id = cases.request_id
),

placements as (
    select
        placements.*,
        plans.person_id,
        plans.request_id,
        plans.birth_date,
    from ({{ accepted('placements') }}) as placements
    inner join plans on placements.plan_id = plans.plan_id
),

pairs as (
    {% for table_name in pairs %}
        {% set ours = pairs[table_name] %}
        {% for column in dates[table_name] %}
            {% set ours = ours.append((column, 'birth_date')) %}
        {% endfor %}
        {% for column, other in pairs[table_name] %}
            select
                '{{ table_name }}' as table_name,
                _file,
                _row,
                person_id,
                request_id,
                '{{ column }}' as column_name,
                {{ column }} as wrong_date,
                '{{ other }}' as other_column,
                {{ other }} as other_date,
            from {{ table_name }}
            where {{ column }} < {{ other }}
            {{ 'union all' if not loop.last }}
        {% endfor %}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    pairs.*,
    scope.in_return as is_case_in_return,
    pairs.column_name || ' ' || pairs.wrong_date || ' is before ' || pairs.other_column || ' '
    || pairs.other_date as found,
from pairs
cross join survey
left join {{ ref('case_scope') }} as scope on pairs.request_id = scope.request_id
-- What is dated after the survey day has not happened, and contradicts nothing yet.
where pairs.wrong_date <= survey.survey_day
