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

requests as (
    select
        return_id,
        count(*) as request_count,
        count(request_source) as sourced_count,
        count(*) filter (request_source = '5') as source_other_count,
    from {{ ref('requests') }}
    group by return_id
),

assessments as (
    select
        return_id,
        count(*) as assessment_count,
        count(assessment_outcome_date) filter (assessment_outcome = 'Y') as issued_count,
        count(assessment_outcome_date) filter (assessment_outcome = 'Y' and week20 = '1')
            as exception_count,
    from {{ ref('assessment') }}
    group by return_id
),

named_settings as (
    select
        return_id,
        count(*) as plan_detail_count,
        count(*) filter (sen_setting in ('OTH', 'NIEO')) as named_other_count,
    from {{ ref('plan_detail') }}
    group by return_id
),

active_plans as (
    select
        return_id,
        count(*) as active_plans_count,
    from {{ ref('active_plans') }}
    group by return_id
),

needs as (
    select
        return_id,
        count(*) as need_count,
    from {{ ref('sen_need') }}
    group by return_id
),

placements as (
    select
        placements.return_id,
        placements.request_id,
        placements.sen_setting,
        coalesce(placements.entry_date <= returns.survey_day, true)
        and coalesce(placements.leaving_date > returns.survey_day, true) as is_open,
    from {{ ref('placement_detail') }} as placements
    inner join returns on placements.return_id = returns.return_id
),

settings as (
    select
        return_id,
        count(*) as placement_count,
        count(*) filter (sen_setting in ('OTH', 'NIEO')) as attended_other_count,
    from placements
    group by return_id
),

placed as (
    select distinct
        return_id,
        request_id,
    from placements
    where is_open
),

plans as (
    select
        plans.return_id,
        plans.cease_date,
        plans.cease_reason,
        coalesce(plans.start_date <= returns.survey_day, true)
        and coalesce(plans.cease_date > returns.survey_day, true) as is_active,
        placed.request_id is not null as is_placed,
    from {{ ref('named_plan') }} as plans
    inner join returns on plans.return_id = returns.return_id
    left join placed
        on plans.return_id = placed.return_id and plans.request_id = placed.request_id
),

caseloads as (
    select
        return_id,
        count(*) as plan_count,
        count(cease_date) as ceased_count,
        count(cease_date) filter (cease_reason = '9') as ceased_other_count,
        count(*) filter (is_active) as caseload,
        count(*) filter (is_active and not is_placed) as unplaced_count,
    from plans
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
        caseloads.caseload,
    from returns
    inner join returns as earlier
        on returns.return_la = earlier.return_la
            and returns.collection_year > earlier.collection_year
    inner join caseloads on earlier.return_id = caseloads.return_id
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
        coalesce(requests.request_count, 0) as request_count,
        requests.sourced_count,
        requests.source_other_count,
        coalesce(assessments.assessment_count, 0) as assessment_count,
        assessments.issued_count,
        assessments.exception_count,
        coalesce(caseloads.plan_count, 0) as plan_count,
        caseloads.ceased_count,
        caseloads.ceased_other_count,
        coalesce(caseloads.caseload, 0) as caseload,
        caseloads.unplaced_count,
        caseloads_before.caseload_before,
        coalesce(named_settings.plan_detail_count, 0) as plan_detail_count,
        coalesce(active_plans.active_plans_count, 0) as active_plans_count,
        coalesce(settings.placement_count, 0) as placement_count,
        coalesce(needs.need_count, 0) as need_count,
        coalesce(named_settings.plan_detail_count, 0) + coalesce(settings.placement_count, 0)
            as setting_count,
        coalesce(named_settings.named_other_count, 0) + coalesce(settings.attended_other_count, 0)
            as setting_other_count,
    from returns
    left join people on returns.return_id = people.return_id
    left join requests on returns.return_id = requests.return_id
    left join assessments on returns.return_id = assessments.return_id
    left join caseloads on returns.return_id = caseloads.return_id
    left join caseloads_before on returns.return_id = caseloads_before.return_id
    left join named_settings on returns.return_id = named_settings.return_id
    left join active_plans on returns.return_id = active_plans.return_id
    left join settings on returns.return_id = settings.return_id
    left join needs on returns.return_id = needs.return_id
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
