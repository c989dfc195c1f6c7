-- One row per query of the built return and note that explains it, or error and note that DfE has
-- agreed to it. A note of all the records of a rule is beside each of them.
select distinct
    issues.return_id,
    issues.rule_id,
    issues.record_id,
    issues.found,
    notes.note,
    notes.note_text,
    notes.author,
    notes.written_date,
    notes.kind,
    notes.agreed_by,
    notes.agreed_date,
    notes.row,
from {{ ref('query_notes') }} as notes
inner join {{ ref('issues') }} as issues
    on issues.return_id = 'built'
        and notes.rule_id = issues.rule_id
        and notes.record_id in (issues.record_id, '*')
        and (notes.found is null or notes.found = issues.found)
where
    notes.status = 'applies'
    and (issues.severity = 'query' or (issues.severity = 'error' and notes.kind = 'agreed'))
