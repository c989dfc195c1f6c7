-- One row per landed row of the extract: where it ended, and why. Nothing is silently lost.
with

scope as (
    select * from {{ ref('case_scope') }}
),

plan_scope as (
    select
        plans.plan_id,
        scope.reason,
        returned.plan_id is not null as is_returned,
    from {{ ref('case_plans') }} as plans
    left join scope on plans.request_id = scope.request_id
    left join {{ ref('returned_plans') }} as returned on plans.plan_id = returned.plan_id
),

survey as (
    select * from {{ ref('survey') }}
),

people as (
    select
        people._file,
        people._row,
        bool_or(coalesce(scope.in_return, false)) as is_returned,
        case
            when count(scope.request_id) = 0 then 'The person has no case in the extract.'
            else 'No case of the person is in the return.'
        end as reason,
    from {{ identified('people') }} as people
    left join scope on people.person_id = scope.person_id
    group by people._file, people._row
),

-- Rows of a person whom another source describes too, and is believed before this one.
also_described as (
    select distinct
        _file,
        _row,
        person_id,
    from {{ ref('person_values') }}
    where not is_first_source
),

requests as (
    select
        requests._file,
        requests._row,
        coalesce(scope.in_return, false) as is_returned,
        scope.reason,
    from {{ ref('stg_requests') }} as requests
    left join scope on requests.request_id = scope.request_id
),

assessments as (
    select
        assessments._file,
        assessments._row,
        returned.request_id is not null as is_returned,
        case
            when scope.in_return then 'The request is returned without this assessment.'
            else scope.reason
        end as reason,
    from {{ ref('stg_assessments') }} as assessments
    left join {{ ref('assessment_outcomes') }} as returned
        on assessments.request_id = returned.request_id
    left join scope on assessments.request_id = scope.request_id
),

disputes as (
    select
        disputes._file,
        disputes._row,
        scope.in_return and coalesce(disputes.dispute_date <= survey.survey_day, true)
            as is_returned,
        case
            when scope.in_return then 'It is dated after the survey day.'
            else scope.reason
        end as reason,
    from {{ ref('stg_disputes') }} as disputes
    cross join survey
    left join {{ ref('case_disputes') }} as of_case
        on disputes._file = of_case._file and disputes._row = of_case._row
    left join scope on of_case.request_id = scope.request_id
),

placements as (
    select
        placements._file,
        placements._row,
        returned.placement_id is not null as is_returned,
        case
            when plan_scope.is_returned
                then 'The placement does not overlap the time from the period''s start to the '
                || 'survey.'
            else plan_scope.reason
        end as reason,
    from {{ ref('stg_placements') }} as placements
    left join {{ ref('returned_placements') }} as returned
        on placements.placement_id = returned.placement_id
    left join plan_scope on placements.plan_id = plan_scope.plan_id
),

-- What is returned of a plan's reviews can come from several rows.
returned_reviews as (
    select distinct
        _file,
        _row,
    from {{ ref('returned_review_rows') }}
),

reviews as (
    select
        reviews._file,
        reviews._row,
        returned._row is not null as is_returned,
        case
            when plan_scope.is_returned
                then 'Another review of the plan is the latest by the survey day.'
            else plan_scope.reason
        end as reason,
    from {{ ref('stg_reviews') }} as reviews
    left join returned_reviews as returned
        on reviews._file = returned._file and reviews._row = returned._row
    left join plan_scope on reviews.plan_id = plan_scope.plan_id
),

judged as (
    {% for table_name in (
        'people', 'requests', 'assessments', 'disputes', 'placements', 'reviews'
    ) %}
        select
            '{{ table_name }}' as table_name,
            _file,
            _row,
            is_returned,
            reason,
        from {{ table_name }}
        union all
    {% endfor %}
    {% for table_name in ('plans', 'plan_settings', 'needs') %}
        select
            '{{ table_name }}' as table_name,
            landed._file,
            landed._row,
            plan_scope.is_returned,
            plan_scope.reason,
        from {{ ref('stg_' ~ table_name) }} as landed
        left join plan_scope on landed.plan_id = plan_scope.plan_id
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

disposed as (
    select
        judged.table_name,
        judged._file as file,
        judged._row as row,
        case
            when rejected._row is not null then 'rejected'
            when judged.is_returned then 'returned'
            else 'out_of_scope'
        end as disposition,
        case
            when rejected._row is not null then 'Rejected: ' || rejected.reason || '.'
            when judged.is_returned and also_described.person_id is not null
                then 'In the return, as person ' || also_described.person_id
                || ', whom a source that is believed first describes too.'
            when judged.is_returned then 'In the return.'
            else judged.reason
        end as reason,
    from judged
    left join {{ ref('rejected_rows') }} as rejected
        on judged.table_name = rejected.table_name
            and judged._file = rejected._file
            and judged._row = rejected._row
    left join also_described
        on judged.table_name = 'people'
            and judged._file = also_described._file
            and judged._row = also_described._row
    union all
    select
        'establishments',
        establishments._file,
        establishments._row,
        case when rejected._row is not null then 'rejected' else 'reference' end,
        coalesce('Rejected: ' || rejected.reason || '.', 'A look-up table; it is not returned.'),
    from {{ ref('stg_establishments') }} as establishments
    left join {{ ref('rejected_rows') }} as rejected
        on rejected.table_name = 'establishments'
            and establishments._file = rejected._file
            and establishments._row = rejected._row
    union all
    -- A row that is in no table: no row could be made of it, or the mapping left it out.
    select
        table_name,
        file,
        row,
        case fault
            when 'not_taken' then 'out_of_scope'
            when 'looked_up' then 'reference'
            else 'rejected'
        end,
        case when fault in ('not_taken', 'looked_up') then 'Not landed: ' else 'Rejected: ' end
        || reason || '.',
    from {{ source('audit', 'rows_set_aside') }}
),

-- What landing had to say of the cells of a row.
notes as (
    select
        table_name,
        file,
        row,
        string_agg(column_name || ' ' || note, '; ' order by column_name, note) as words,
    from {{ source('audit', 'landing_notes') }}
    group by table_name, file, row
)

select
    disposed.table_name,
    disposed.file,
    disposed.row,
    disposed.disposition,
    disposed.reason || coalesce(' On landing: ' || notes.words || '.', '') as reason,
from disposed
left join notes
    on disposed.table_name = notes.table_name
        and disposed.file = notes.file
        and disposed.row = notes.row
