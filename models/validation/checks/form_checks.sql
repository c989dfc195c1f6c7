-- One row for the built return of a year that has an aggregated form: the rules on its counts.
with

returns as (
    select returns.*
    from {{ ref('returns') }} as returns
    anti join {{ ref('imported_returns') }} as imported_returns
        on returns.return_id = imported_returns.return_id
),

-- No number of the form is an officer's answer, so those of Part 6 are left out.
cells as (
    select
        collection_year,
        item,
        cell,
        value,
        try_cast(value as bigint) as number,
    from {{ ref('form') }}
    where not starts_with(item, '6.')
),

forms as (
    select
        collection_year,
        sum(number) filter (item = '1.1') as plans_by_age,
        sum(number) filter (cell = 'plans_total') as plans,
        sum(number) filter (starts_with(item, '1.2a.')) as plans_by_place,
        sum(number) filter (cell = 'plans_at_all') as plans_at_all,
        sum(number) filter (item = '2.1') as new_by_age,
        sum(number) filter (cell = 'new_plans_total') as new_plans,
        sum(number) filter (starts_with(item, '2.2a.')) as new_by_place,
        sum(number) filter (cell = 'new_plans_at_all') as new_at_all,
        sum(number) filter (cell in ('apprenticeship', 'traineeship', 'supported_internship'))
            as work_based_by_kind,
        sum(number) filter (cell = 'work_based_total') as work_based,
        sum(number) filter (item = '1.4a?') as residential_38_by_age,
        sum(number) filter (cell = 'residential_38_total') as residential_38,
        sum(number) filter (item = '1.4b?') as residential_52_by_age,
        sum(number) filter (cell = 'residential_52_total') as residential_52,
        {% for cell in [
            'requests', 'refused', 'requests_youth_accommodation', 'not_issued',
            'issued', 'issued_in_time', 'issued_no_exception', 'issued_no_exception_in_time',
            'personal_budgets', 'organised_arrangements', 'mediation', 'mediation_then_appeal',
        ] %}
            sum(number) filter (cell = '{{ cell }}') as {{ cell }},
        {% endfor %}
        sum(number) filter (starts_with(cell, 'direct_payments_')) as direct_payments,
        max(number) filter (starts_with(cell, 'direct_payments_')) as most_direct_payments,
        count(*) filter (starts_with(item, '1.2a.') and value is null) = 0 as has_places,
        count(*) filter (starts_with(item, '2.2a.') and value is null) = 0 as has_new_places,
        string_agg(item, ', ' order by item)
            filter (not coalesce(regexp_full_match(value, '[0-9]+'), false)) as unusable_items,
    from cells
    group by collection_year
),

unclassified as (
    select count(*) filter (has_plan and is_unclassified) as unclassified_people,
    from {{ ref('form_people') }}
),

records as (
    select
        returns.* exclude (collection_year),
        forms.*,
        unclassified.unclassified_people,
        last_year.plans_last_year,
        last_year.new_plans_last_year,
        last_year.requests_last_year,
        requests_youth_accommodation as youth_requests,
        issued - issued_no_exception as exceptions,
    from returns
    inner join forms on returns.collection_year = forms.collection_year
    cross join unclassified
    left join {{ ref('form_last_year') }} as last_year
        on returns.return_la = last_year.la_code
            and returns.collection_year = last_year.collection_year
),

judged as (
    select
        return_id,
        null::varchar as person_id,
        null::varchar as request_id,
        replace(return_id, 'built', 'form') as record_id,
        plans_by_age || ' by age, ' || plans || ' in all, ' || plans_by_place || ' by placement'
            as start_date,
        new_by_age || ' by age, ' || new_plans || ' in all, ' || new_by_place || ' by placement; '
        || not_issued || ' not to be issued' as assessment_outcome_date,
        work_based_by_kind || ' by kind, ' || work_based || ' in all' as wbp,
        residential_38_by_age || ' and ' || residential_52_by_age || ' by age, '
        || residential_38 || ' and ' || residential_52 || ' in all' as res,
        refused || ' of ' || requests || ' requests refused'
        || coalesce('; last year ' || requests_last_year || ' requests', '') as request_outcome,
        plans || ' plans; last year ' || plans_last_year as cease_date,
        youth_requests || ' of ' || requests || ' requests' as rya,
        issued || ' in Part 3, ' || new_plans || ' new plans'
        || coalesce('; last year ' || new_plans_last_year || ' new plans', '')
            as assessment_outcome,
        issued_in_time || ' of ' || issued || ' within 20 weeks; without exceptions '
        || issued_no_exception_in_time || ' of ' || issued_no_exception as received_date,
        issued_no_exception || ' without exceptions of ' || issued as week20,
        mediation_then_appeal || ' followed by an appeal, of ' || mediation as request_mediation,
        organised_arrangements || ' organised arrangements, ' || direct_payments
        || ' direct payments' as oa,
        personal_budgets || ' personal budgets' as pb,
        unusable_items as urn,
        unclassified_people || ' people' as sen_setting,

        -- the plans by age, in all and by placement are not the same number
        plans_by_age <> plans
        or plans_at_all <> plans
        or (has_places and plans_by_place <> plans) as rule_v01,

        -- the new plans by age, in all and by placement are not the same number
        new_by_age <> new_plans
        or new_at_all <> new_plans
        or (has_new_places and new_by_place <> new_plans) as rule_v02,

        -- work-based learning in all is not the sum of its three kinds
        work_based_by_kind <> work_based as rule_v03,

        -- residential placements of a length, in all, are not the sum of their ages
        residential_38_by_age <> residential_38 or residential_52_by_age <> residential_52
            as rule_v04,

        -- more requests were refused than received
        refused > requests as rule_v05,

        -- more requests came from youth accommodation than in all
        youth_requests > requests as rule_v06,

        -- more plans in Part 3 than new plans
        issued > new_plans as rule_v07,

        -- more plans within 20 weeks than issued, with or without exceptions
        issued_in_time > issued or issued_no_exception_in_time > issued_no_exception as rule_v08,

        -- more plans without exceptions than with them, in all or within 20 weeks
        issued_no_exception > issued or issued_no_exception_in_time > issued_in_time as rule_v09,

        -- more mediation followed by an appeal than held
        mediation_then_appeal > mediation as rule_v10,

        -- organised arrangements or a kind of direct payment outnumber the personal budgets
        greatest(organised_arrangements, most_direct_payments) > personal_budgets as rule_v11,

        -- personal budgets outnumber organised arrangements and direct payments together
        personal_budgets > organised_arrangements + direct_payments as rule_v12,

        -- a cell is blank or no whole number
        unusable_items is not null as rule_v13,

        -- fewer plans in Part 3 than new plans
        issued < new_plans as rule_v15,

        -- far fewer or far more plans than last year
        plans < plans_last_year * (1 - caseload_change_down)
        or plans > plans_last_year * (1 + caseload_change_up) as rule_v17,

        -- far fewer or far more new plans than last year
        new_plans < new_plans_last_year * (1 - form_new_plans_change_down)
        or new_plans > new_plans_last_year * (1 + form_new_plans_change_up) as rule_v18,

        -- far fewer or far more requests than last year
        requests < requests_last_year * (1 - form_requests_change_down)
        or requests > requests_last_year * (1 + form_requests_change_up) as rule_v19,

        -- no request refused, or too large a share of them
        requests > 0 and (refused = 0 or refused > form_refused_share * requests) as rule_v20,

        -- too many requests from youth accommodation
        youth_requests > form_youth_requests as rule_v21,

        -- too large a share of the plans issued are exceptions
        exceptions > form_exception_share * issued as rule_v22,

        -- too large a share of the assessments ended with no plan to be issued
        not_issued > form_not_issued_share * (new_plans + not_issued) as rule_v23,

        -- people with a plan are at a place that the register does not hold
        unclassified_people > 0 as rule_v25,
    from records
)

{{ settled('judged') }}
