"""SQL of what stands beside the lines: groups, cleared lines, notes, rules, the return itself."""

LINES_BEFORE = """
    insert into audit.lines_before
    select distinct rule_id, severity, module, record_id, mark_of(coalesce(found, ''))
    from {there}validation.issues
    where return_id = 'built'
"""

CLEARED = """
    create or replace temp table cleared as
    select
        before.rule_id,
        before.record_id,
        before.module,
        before.severity,
        coalesce(rules.message, before.rule_id) as message,
        coalesce(teams.team, $no_team) as team,
    from audit.lines_before as before
    anti join validation.issues as issues
        on issues.return_id = 'built'
            and before.rule_id = issues.rule_id
            and before.record_id = issues.record_id
    left join spec.rules as rules
        on before.rule_id = rules.rule_id and $year between rules.year_from and rules.year_to
    left join spec.teams as teams on before.rule_id = teams.rule_id
    where $return_id = $built
"""

GROUPS = """
    with groups as (
        select
            rule_id,
            value_kind,
            any_value(message) as message,
            mode(team) as team,
            count(*) as lines,
            count(*) filter (note is null) as to_answer,
            case when count(distinct coalesce(reason, '')) = 1 then any_value(reason) end as reason,
            case
                when count(distinct coalesce(reason, '')) = 1 and any_value(reason) is not null
                    then any_value(initials)
            end as initials,
        from lines
        where severity = 'query' {of}
        group by rule_id, value_kind
    )

    select
        row_number() over work as place,
        lines,
        to_answer,
        (100 * sum(lines) over work / sum(lines) over ())::integer as covered,
        team,
        message,
        value_kind,
        reason,
        initials,
        rule_id,
        $return_mark as return_mark,
        case
            when reason is not null
                then answer_mark($right, reason, initials)
        end as answer_mark,
    from groups
    window work as (order by lines desc, rule_id, value_kind)
    order by place
"""

LOCAL_VALUES = """
    select 'No mapping has it: it landed as it is' as became, * from audit.unmapped_values
    union all
    select
        'Blank in the source: the default of the mapping', mapped.source, mapped.table_name,
        mapped.column_name, mapped.default_value,
        count(distinct case when notes.row is not null then (notes.file, notes.row) end), null, null
    from audit.mapped_columns as mapped
    left join audit.landed_inputs as inputs on mapped.source = inputs.source
    left join audit.landing_notes as notes
        on mapped.table_name = notes.table_name and mapped.column_name = notes.column_name
        and notes.kind = 'default'
        and (notes.file = inputs.file or starts_with(notes.file, inputs.file || ' ('))
    where mapped.default_value is not null
    group by all
    order by 1 desc, row_count desc, source, table_name, column_name, value
"""

KEPT_LINES = """
    with

    -- The corrections that officers gave in a workbook, each with the fault it was given for.
    given as (
        select
            answers.table_name,
            answers."key",
            answers.column_name,
            string_agg(
                distinct coalesce(gone.rule_id, answers.rule_id), ', '
                order by coalesce(gone.rule_id, answers.rule_id)
            ) filter (issues.rule_id is null) as cleared,
            string_agg(distinct answers.rule_id, ', ' order by answers.rule_id)
                filter (issues.rule_id is not null) as still_there,
        from audit.answers as answers
        left join validation.issues as issues
            on issues.return_id = 'built'
                and answers.rule_id = issues.rule_id
                and answers.record_id = issues.record_id
        -- What followed from the fault on the same record is gone with it.
        left join cleared as gone on answers.record_id = gone.record_id
        where answers.outcome = 'correction'
        group by all
    ),

    kept as (
        select
            'Note' as kind,
            status,
            status_reason,
            rule_id as about,
            record_id,
            found,
            null as to_value,
            note_text as words,
            author,
            written_date,
            expiry_date,
            file,
            row,
            case when holds_a_name(found) then $hidden end as instead,
        from validation.query_notes
        union all
        select
            'Answer',
            case
                when issues.rule_id is null then 'gone'
                when answers.answer = 'other_team' then 'moved'
                when answers."date" >= $work_day::varchar then 'waiting'
                else 'still_there'
            end,
            case answers.answer
                when 'other_team' then 'It is with ' || coalesce(
                    nullif(trim(answers."text"), ''), 'no team'
                ) || '.'
                when 'corrected' then 'Corrected in the case system.'
            end || case
                when issues.rule_id is null then ' It is gone.'
                when answers.answer = 'corrected' and answers."date" >= $work_day::varchar
                    then ' It is in no extract yet.'
                else ''
            end,
            answers.rule_id,
            answers.record_id,
            answers.found,
            null,
            null,
            answers.author,
            try_cast(answers."date" as date),
            null,
            answers._file,
            answers._row,
            case when holds_a_name(answers.found) then $hidden end,
        from raw.answers as answers
        left join (select distinct rule_id, record_id from lines) as issues
            on answers.rule_id = issues.rule_id and answers.record_id = issues.record_id
        union all
        select
            'Correction',
            overrides.status,
            overrides.status_reason
                || coalesce(' It cleared ' || given.cleared || '.', '')
                || coalesce(' Still found: ' || given.still_there || '.', ''),
            coalesce(column_words.words || ' (', '') || overrides.table_name || '.'
                || overrides.column_name || if(column_words.words is null, '', ')'),
            overrides."key",
            overrides.from_value,
            overrides.to_value,
            overrides.reason,
            overrides.author,
            overrides.written_date,
            overrides.expiry_date,
            overrides.file,
            overrides.row,
            case
                when overrides.table_name = 'people'
                    and overrides.column_name in ('surname', 'forename') then $hidden
                when overrides.table_name = 'people' and overrides.column_name = 'birth_date'
                    then $hidden_day
            end,
        from audit.overrides as overrides
        left join spec.column_words as column_words
            on overrides.column_name = column_words.column_name
        left join given
            on overrides.table_name = given.table_name
                and overrides."key" = given."key"
                and overrides.column_name = given.column_name
    )

    select kept.* exclude (instead) replace (
        replace(status, '_', ' ') as status,
        case
            when found is not null and not $identify and instead is not null then instead
            when kind = 'Correction' then coalesce(day_in_words(found), 'blank')
            else says_of(found, words.of_tags, words.of_codes)
        end as found,
        case
            when to_value is not null and not $identify and instead is not null then instead
            when kind = 'Correction' then coalesce(day_in_words(to_value), 'blank')
        end as to_value,
        written_date::varchar as written_date,
        expiry_date::varchar as expiry_date
    )
    from kept
    cross join words
    where $return_id = $built
    order by status in ('applied', 'applies', 'gone', 'moved'), kind, row
"""

FOR_COLLECT = """
    select
        lines.module, lines.rule_id, rules.dfe_number, lines.person_id, lines.record_id,
        lines.message, lines.says, lines.note_text, lines.agreed_with, lines.note_author,
        lines.note_date,
    from lines
    left join validation.rule_summary as rules
        on rules.return_id = $return_id and lines.rule_id = rules.rule_id
    where lines.note is not null and $return_id = $built
        -- COLLECT does not know a rule that is our own, unless DfE has agreed to what it found.
        and (rules.origin <> 'ours' or rules.dfe_number is not null or lines.is_agreed)
    order by list_position($modules, lines.module), lines.rule_id, lines.person_id nulls first,
        lines.record_id, lines.line
"""

UNUSED = """
    select file, sheet, row, lines.person_id, rule_id, record_id, answer, words, initials, reason
    from audit.answers
    left join (select distinct rule_id, record_id, person_id from lines) as lines
        using (rule_id, record_id)
    where
        outcome = 'not_used'
        and $return_id = $built
        and (rule_id is null or lines.rule_id is not null)
    order by file, sheet, row
"""

AGREED = """
    select distinct issues.rule_id, issues.person_id, issues.record_id, notes.agreed_by,
        notes.agreed_date::varchar
    from validation.issues as issues
    inner join validation.issue_notes as notes using (return_id, rule_id, record_id)
    where return_id = ? and issues.severity = 'error' and notes.kind = 'agreed'
    order by all
"""
"""Each error that DfE has agreed to: rule, person, record, who agreed and when."""

EXPLAINED = """
    select count(*), count(distinct issues.person_id)
    from validation.issues as issues
    semi join validation.issue_notes as notes
        on issues.return_id = notes.return_id
            and issues.rule_id = notes.rule_id
            and issues.record_id = notes.record_id
            and issues.found is not distinct from notes.found
    where issues.return_id = ? and issues.severity = 'query'
"""
"""How many queries have an explanation, and of how many people."""

RULES_IN_FORCE = """
    select
        summary.rule_id,
        summary.severity,
        summary.module,
        coalesce(teams.team, $no_team) as team,
        summary.message,
        rules.fix,
        replace(rules.items, ';', ', ') as items,
        summary.dfe_number,
        case when summary.likely_error then 'yes' end as likely,
        summary.accepted,
        summary.severity_reason,
        case summary.origin when 'ours' then 'our own' else 'public material' end as origin,
        summary.status,
        summary.records_checked,
        summary.issue_count,
        summary.primary_issue_count,
        summary.person_count,
        summary.needs,
    from validation.rule_summary as summary
    inner join spec.rules as rules
        on summary.rule_id = rules.rule_id and $year between rules.year_from and rules.year_to
    left join spec.teams as teams on summary.rule_id = teams.rule_id
    where summary.return_id = $return_id
    order by list_position($modules, summary.module), summary.rule_id
"""

THE_RETURN = """
    select
        returns.collection_year,
        returns.return_la,
        names.label as la_name,
        returns.survey_day,
        least(try_cast(sen2.date_time as timestamp)::date, returns.survey_day) as as_at,
        collections.is_provisional::boolean as is_provisional,
        collections.status,
        (select max(extracted_on) from audit.extract_settings) as extracted_on,
        (select max(name) from audit.extract_settings) as own_name,
    from validation.returns as returns
    inner join spec.collections as collections
        on returns.collection_year = collections.collection_year
    left join person_level.sen2 as sen2 on returns.return_id = sen2.return_id
    left join spec.codes as names
        on names.codeset = 'LA'
            and returns.return_la = names.code
            and returns.collection_year between names.year_from and names.year_to
    where returns.return_id = $return_id
"""
