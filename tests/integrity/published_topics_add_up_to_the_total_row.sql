-- Over the rows of a topic that everybody has a row of, a published table adds up to its total row.
-- Topics by age and years are not among them: a date may be unknown, and have no row.
{% set totals = {
    'caseload': 'ehcplans',
    'newplans': 'new_ehc_plans',
    'published_requests': 'requests_received_in_year',
    'assessments': 'assess_in_year',
    'timeliness_20_week': 'plans_issued_den',
    'sen_needs_all_plans': 'ehc_plans',
    'sen_need_newplans': 'ehc_plans',
    'ceased_plans': 'total_ceased',
    'annual_reviews': 'total_ehc_plans',
    'personal_budgets': 'personal_budget',
    'residential_settings': 'res_tot',
    'work_based_placements': 'open_wbp',
} %}
with

topics as (
    {% for model, total in totals.items() %}
        select
            return_id,
            '{{ model }}' as model,
            breakdown_topic,
            bool_or(breakdown = breakdown_topic) as is_total,
            sum(try_cast({{ total }} as integer)) as figure,
        from {{ ref(model) }}
        group by all
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    topics.return_id,
    topics.model,
    topics.breakdown_topic,
from topics
left join topics as totals
    on topics.return_id = totals.return_id
        and topics.model = totals.model
        and totals.is_total
where
    topics.breakdown_topic in ('Sex', 'Ethnicity')
    and topics.figure is distinct from totals.figure
