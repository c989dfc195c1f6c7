-- One row per return: the rules on the return as a whole.
with

returns as (
    select * from {{ ref('returns') }}
),

people as (
    select
        return_id,
        count(*) as person_count,
        count(upn_unknown) as no_identifier_count,
    from {{ ref('person') }}
    group by return_id
),

cases as (
    select
        return_id,
        count(*) as request_count,
        count(request_source) as sourced_count,
        count(*) filter (request_source_word = 'other') as source_other_count,
        count(*) filter (has_assessment) as assessment_count,
        count(assessment_outcome_date) filter (assessment_outcome_word = 'issued') as issued_count,
        count(assessment_outcome_date)
            filter (assessment_outcome_word = 'issued' and week20_word = 'yes') as exception_count,
        count(*) filter (has_named_plan) as plan_count,
        count(cease_date) as ceased_count,
        count(cease_date) filter (cease_reason_word = 'other') as ceased_other_count,
        count(*) filter (has_active_plans) as active_plans_count,
        count(*) filter (is_plan_active) as caseload,
        count(*) filter (is_plan_active and open_placement_count = 0) as unplaced_count,
        sum(setting_count)::bigint as plan_detail_count,
        sum(placement_count)::bigint as placement_count,
        sum(need_count)::bigint as need_count,
        sum(setting_count + placement_count)::bigint as setting_count,
        sum(other_setting_count + other_placement_count)::bigint as setting_other_count,
    from {{ ref('case_records') }}
    group by return_id
),

-- What DfE has last published of a year before.
caseloads_published as (
    select
        returns.return_id,
        figures.number::bigint as caseload,
    from returns
    inner join {{ ref('dfe_figures') }} as figures
        on returns.return_la = figures.la_code
            and returns.collection_year > figures.collection_year
    where
        figures.dataset = 'caseload'
        and figures.is_total
        and figures.figure = 'ehcplans'
        and figures.number is not null
    qualify row_number() over (
        partition by returns.return_id order by figures.collection_year desc
    ) = 1
),

-- The authority's return of the latest year before; of several in a year, the last by name.
caseloads_returned as (
    select
        returns.return_id,
        cases.caseload,
    from returns
    inner join returns as earlier
        on returns.return_la = earlier.return_la
            and returns.collection_year > earlier.collection_year
    inner join cases on earlier.return_id = cases.return_id
    where cases.plan_count > 0
    qualify row_number() over (
        partition by returns.return_id
        order by earlier.collection_year desc, earlier.return_id desc
    ) = 1
),

caseloads_before as (
    select
        returns.return_id,
        coalesce(published.caseload, returned.caseload) as caseload_before,
    from returns
    left join caseloads_published as published on returns.return_id = published.return_id
    left join caseloads_returned as returned on returns.return_id = returned.return_id
),

-- A part of the return with no rows counts as none.
records as (
    select
        returns.*,
        coalesce(people.person_count, 0) as person_count,
        people.no_identifier_count,
        {% for count in [
            'request', 'assessment', 'plan', 'plan_detail', 'active_plans', 'placement', 'need',
        ] %}
            coalesce(cases.{{ count }}_count, 0) as {{ count }}_count,
        {% endfor %}
        coalesce(cases.caseload, 0) as caseload,
        coalesce(cases.unplaced_count, 0) as unplaced_count,
        cases.sourced_count,
        cases.source_other_count,
        cases.issued_count,
        cases.exception_count,
        cases.ceased_count,
        cases.ceased_other_count,
        cases.setting_count,
        cases.setting_other_count,
        caseloads_before.caseload_before,
    from returns
    left join people on returns.return_id = people.return_id
    left join cases on returns.return_id = cases.return_id
    left join caseloads_before on returns.return_id = caseloads_before.return_id
),

judged as (
    select
        return_id,
        null::varchar as person_id,
        null::varchar as request_id,
        return_id as record_id,
        ceased_other_count || ' of ' || ceased_count as cease_reason,
        setting_other_count || ' of ' || setting_count as sen_setting,
        source_other_count || ' of ' || sourced_count as request_source,
        no_identifier_count || ' of ' || person_count as upn_unknown,
        exception_count || ' of ' || issued_count as week20,
        caseload || ' open plans, before ' || caseload_before as cease_date,
        person_count,
        request_count,
        assessment_count,
        plan_count,
        plan_detail_count,
        active_plans_count,
        placement_count,
        need_count,
        caseload,
        caseload_before,
        unplaced_count,
        unplaced_count || ' of ' || caseload as found_t08,

        -- too large a share of the ceased plans ceased for the reason other
        ceased_other_count > ceased_other_share * ceased_count
        and ceased_other_count >= explain_at_least as rule_t01,

        -- too large a share of the settings named and attended are other, or other than education
        setting_other_count > setting_other_share * setting_count
        and setting_other_count >= explain_at_least as rule_t02,

        -- too large a share of the sources of requests are other
        source_other_count > request_source_other_share * sourced_count
        and source_other_count >= explain_at_least as rule_t03,

        -- there are far fewer or far more active plans than in the return before
        caseload < caseload_before * (1 - caseload_change_down)
        or caseload > caseload_before * (1 + caseload_change_up) as rule_t04,

        -- too large a share of the people have a reason in place of an identifier
        no_identifier_count > no_identifier_share * person_count
        and no_identifier_count >= explain_at_least as rule_t05,

        -- too large a share of the plans issued are exceptions to the 20 weeks
        exception_count > exception_share * issued_count
        and exception_count >= explain_at_least as rule_t06,

        -- a table of the return is empty
        least(
            person_count,
            request_count,
            assessment_count,
            plan_count,
            plan_detail_count,
            active_plans_count,
            placement_count,
            need_count
        ) = 0 as rule_t07,

        -- too large a share of the active plans have no placement open on the survey day
        unplaced_count > no_placement_share * caseload
        and unplaced_count >= explain_at_least as rule_t08,
    from records
)

{{ settled('judged') }}
