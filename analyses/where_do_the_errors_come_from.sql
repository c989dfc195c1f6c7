-- Which rows of the extract must be put right, and what is wrong with each?
-- One row per error that is the main cause, with the file and row it comes from, and the team.
select
    teams.team,
    issues.rule_id,
    issues.message,
    issues.fix,
    issues.person_id,
    issues.record_id,
    issues.source_file,
    issues.source_row,
from {{ ref('issues') }} as issues
inner join {{ ref('teams') }} as teams on issues.rule_id = teams.rule_id
where issues.return_id = 'built' and issues.severity <> 'query' and issues."primary"
order by teams.team, issues.rule_id, issues.source_file, issues.source_row, issues.record_id
