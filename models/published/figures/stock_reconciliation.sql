-- One row per return and component: this year's plans made up from last year's, and what is left
-- over.
-- Flows are the return's own between the two survey days; those that DfE publishes are of a
-- calendar year, and would leave the weeks of January over.
with

stocks as (
    select
        return_id,
        try_cast(this_year as bigint) as this_year,
        try_cast(last_year as bigint) as last_year,
        last_year_source,
    from {{ ref('figure_changes') }}
    where
        (dataset = 'caseload' and figure = 'ehcplans' and is_total)
        or (dataset = 'sen2_age_caseload' and figure = 'Total_ehc' and is_total)
),

-- Without the day of the survey before, nothing can be told of what came since.
returns as (
    select
        returns.return_id,
        collections.survey_day,
        before.survey_day as survey_day_before,
    from {{ ref('returns_compared') }} as returns
    inner join {{ ref('collections') }} as collections
        on returns.collection_year = collections.collection_year
    left join {{ ref('collections') }} as before
        on returns.collection_year = before.collection_year + 1
),

-- Only the extract says on which day a plan came; a plan that came on no known day came since.
plans as (
    select
        cases.return_id,
        cases.start_date > returns.survey_day_before
        and cases.start_date <= returns.survey_day as is_started,
        cases.cease_date > returns.survey_day_before
        and cases.cease_date <= returns.survey_day as is_ceased,
        cases.is_transferred_in as is_transfer,
        coalesce(case_plans.transferred_date > returns.survey_day_before, true)
            as is_transfer_since,
    from {{ ref('case_records') }} as cases
    inner join returns on cases.return_id = returns.return_id
    left join {{ ref('case_plans') }} as case_plans
        on cases.return_id = 'built' and cases.request_id = case_plans.request_id
    where cases.has_named_plan
),

flows as (
    select
        return_id,
        count(*) filter (is_started and not is_transfer) as started_count,
        count(*) filter (is_transfer and is_transfer_since) as transfer_count,
        count(*) filter (is_ceased) as ceased_count,
    from plans
    group by return_id
),

amounts as (
    select
        stocks.*,
        returns.survey_day,
        returns.survey_day_before,
        {% for amount, flow in {
            'new_plans': 'started_count',
            'transferred_in': 'transfer_count',
            'ceased': 'ceased_count',
        }.items() %}
            case when returns.survey_day_before is not null then coalesce(flows.{{ flow }}, 0) end
                as {{ amount }},
        {% endfor %}
        stocks.last_year + new_plans + transferred_in - ceased as expected,
        'return ' || stocks.return_id as own,
    from stocks
    inner join returns on stocks.return_id = returns.return_id
    left join flows on stocks.return_id = flows.return_id
)

{% for component, plans, source, meaning in [
    ('last_year', 'last_year', 'last_year_source', "'in force on ' || survey_day_before"),
    ('new', 'new_plans', 'own', "'started since, not transferred in'"),
    ('transferred_in', 'transferred_in', 'own', "'came from another authority since'"),
    ('ceased', 'ceased', 'own', "'ceased since'"),
    ('expected', 'expected', 'null', "'last year, new and transferred in, less ceased'"),
    ('this_year', 'this_year', 'own', "'in force on ' || survey_day"),
    ('unexplained', 'this_year - expected', 'null', "'this year less expected'"),
] %}
    select
        return_id,
        {{ loop.index }} as position,
        '{{ component }}' as component,
        {{ plans }} as plans,
        {{ source }} as source,
        {{ meaning }} as meaning,
    from amounts
    {{ 'union all' if not loop.last }}
{% endfor %}
order by return_id, position
