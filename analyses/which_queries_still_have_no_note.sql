-- Which queries has nobody explained yet?
-- One row per query without a note of the authority's; notes are in the file that sen2.yml names.
select
    teams.team,
    issues.rule_id,
    issues.message,
    issues.person_id,
    issues.record_id,
from {{ ref('issues') }} as issues
inner join {{ ref('teams') }} as teams on issues.rule_id = teams.rule_id
anti join {{ ref('issue_notes') }} as notes
    on issues.return_id = notes.return_id
        and issues.rule_id = notes.rule_id
        and issues.record_id = notes.record_id
        and issues.found is not distinct from notes.found
where issues.return_id = 'built' and issues.severity = 'query'
order by teams.team, issues.rule_id, issues.person_id, issues.record_id
