-- One row per assessment per return.
with

built as (
    select
        'built' as return_id,
        assessments.person_id,
        assessments.request_id,
        assessments.assessment_outcome,
        assessments.assessment_outcome_date,
        case
            when assessments.assessment_word in ('issued', 'refused')
                then coalesce(disputes.has_issue_mediation, false)::integer::varchar
        end as assessment_mediation,
        case
            when assessments.assessment_word in ('issued', 'refused')
                then coalesce(disputes.has_issue_appeal, false)::integer::varchar
        end as assessment_tribunal,
        case
            when assessments.assessment_word in ('issued', 'refused')
                then coalesce(disputes.has_other_mediation, false)::integer::varchar
            when assessments.assessment_word = 'historical'
                and disputes.has_other_mediation_in_period
                then '1'
        end as other_mediation,
        case
            when assessments.assessment_word in ('issued', 'refused')
                then coalesce(disputes.has_other_appeal, false)::integer::varchar
            when assessments.assessment_word = 'historical' and disputes.has_other_appeal_in_period
                then '1'
        end as other_tribunal,
        assessments.week20,
    from {{ ref('assessment_outcomes') }} as assessments
    left join {{ ref('dispute_flags') }} as disputes
        on assessments.request_id = disputes.request_id
),

imported as (
    select
        * replace (
            {{ date_of('assessment_outcome_date') }} as assessment_outcome_date,
        ),
    from {{ source('imported', 'assessment') }}
)

select * from built
union all by name
select * from imported
