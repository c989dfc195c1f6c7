-- One row per note the authority keeps: whether it explains a query of the built return, or says
-- that DfE has agreed to an error.
with

notes as (
    select * from {{ ref('stg_notes') }}
),

survey as (
    select extracted_on from {{ ref('survey') }}
),

-- The deadline of the collection before this one.
earlier as (
    select max(submission_deadline) as deadline,
    from {{ ref('collections') }}
    where collection_year < {{ var('collection_year') }}
),

-- What the rule of a note found on its record, or on any record.
matches as (
    select
        notes._row,
        bool_or(issues.severity = 'query') as is_query,
        bool_or(issues.severity = 'error') as is_error,
        bool_or(notes.found is null or notes.found = issues.found) as is_found_the_same,
    from notes
    inner join {{ ref('issues') }} as issues
        on issues.return_id = 'built'
            and notes.rule_id = issues.rule_id
            and notes.record_id in (issues.record_id, '*')
    group by notes._row
),

judged as (
    select
        notes.*,
        case
            when notes.expiry_date < (select survey.extracted_on from survey) then 'expired'
            when matches._row is null then 'no_such_issue'
            when notes.kind = 'agreed' and not matches.is_query and not matches.is_error
                then 'cannot_be_agreed'
            when notes.kind is null and not matches.is_query then 'not_a_query'
            when not coalesce(matches.is_found_the_same, false) then 'found_changed'
            when
                notes.expiry_date is null
                and notes.written_date <= (select earlier.deadline from earlier)
                then 'offered'
            else 'applies'
        end as status,
    from notes
    left join matches on notes._row = matches._row
)

select
    rule_id,
    record_id,
    found,
    note_text,
    author,
    written_date,
    expiry_date,
    kind,
    agreed_by,
    agreed_date,
    status,
    case status
        when 'applies'
            then
                case
                    when kind = 'agreed'
                        then 'DfE has agreed to it, so it does not stop the return.'
                    else 'It stands beside the query.'
                end
        when 'cannot_be_agreed' then 'The file would not load with it, so it must be corrected.'
        when 'expired' then 'It expired on ' || expiry_date || '.'
        when 'no_such_issue' then 'The rule finds nothing on this record.'
        when 'not_a_query' then 'The rule is an error: it must be corrected, a note does not do.'
        when 'found_changed' then 'What the rule finds is no longer what the note explains.'
        when 'offered'
            then
                'It was given for an earlier return, and nothing has changed since: give it again'
                || ' if it is still right.'
    end as status_reason,
    note_text || ' (' || author || ', ' || written_date
    || case
        when kind = 'agreed' then '; agreed with DfE by ' || agreed_by || ', ' || agreed_date
        else ''
    end || ')' as note,
    _file as file,
    _row as row,
from judged
