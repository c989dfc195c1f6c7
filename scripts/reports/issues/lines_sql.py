"""SQL of the lines: the fault in words, days over the limit, answers, what is new."""

from ...spec.constants import SEVERITIES
from .words import NEW

COUNTS = (
    ", ".join(f"count(*) filter (severity = '{severity}')" for severity in SEVERITIES)
    + """, count(*), count(*) filter ("primary"), count(distinct person_id)"""
    + """, count(*) filter (severity = 'query' and note is null)"""
    + f""", count(*) filter (state = '{NEW}')"""
)
MACROS = """
    create or replace temp macro holds_a_name(found) as regexp_matches(
        regexp_replace(found, '(Surname|Forename) blank(;|$)', '', 'g'), '(Surname|Forename) '
    );
    create or replace temp macro mark_of(words) as
        translate(md5(words), '0123456789', 'ghijklmnop');
    create or replace temp macro tidied(words) as
        left(trim(regexp_replace(replace(
            coalesce(words, ''), chr(160), ' '), '\\s+', ' ', 'g'
        )), 900);
    create or replace temp macro answer_mark(answer, reason, initials) as
        left(mark_of(concat_ws('|', tidied(answer), tidied(reason), tidied(initials))), 8);
"""

WORDS_OF = """
    create or replace temp table words as
    select
        (
            select map(list(name), list(words))
            from (
                select xml_tag as name, words from spec.item_words
                union all
                select column_name, words from spec.column_words
            )
        ) as of_tags,
        (
            select map(list(key), list(label))
            from (
                select items.xml_tag || ' ' || codes.code as key, min(codes.label) as label
                from spec.items as items
                inner join spec.codes as codes on items.codeset = codes.codeset
                where $year between items.year_from and items.year_to
                    and $year between codes.year_from and codes.year_to
                    and length(codes.label) <= $longest_label
                group by all
            )
        ) as of_codes
"""
"""What tags, columns and codes are called, as one map each."""

LINES = """
    create or replace temp table lines as
    with people as (
        select person_id, surname, forename, person_birth_date::varchar as person_birth_date
        from person_level.person
        where return_id = $return_id
        qualify row_number() over (
            partition by person_id order by surname, forename, person_birth_date
        ) = 1
    ),

    notes as (
        select
            return_id,
            rule_id,
            record_id,
            found,
            string_agg(note, chr(10) order by row) as note,
            string_agg(note_text, '; ' order by row) as note_text,
            string_agg(author, '; ' order by row) as note_author,
            string_agg(written_date::varchar, '; ' order by row) as note_date,
            bool_or(kind = 'agreed') as is_agreed,
            string_agg(agreed_by || ', ' || strftime(agreed_date, '%-d %b %Y'), '; ' order by row)
                as agreed_with,
        from validation.issue_notes
        group by all
    ),

    -- What an answer other than a note says of a line, the last one of each kind.
    answers as (
        select
            rule_id,
            record_id,
            coalesce(found, '') as found,
            max(case when answer = $corrected then "date" end) as corrected_on,
            max(case when answer = $not_ours then coalesce("text", '') end) as moved_to,
        from raw.answers
        where $return_id = $built
        group by all
    ),

    team_names as (
        select distinct team, lower(trim(team)) as folded from spec.teams
    ),

    -- An answer that could not be used, and that no other has followed.
    unused as (
        select rule_id, record_id, any_value(reason) as why
        from audit.answers
        where outcome = 'not_used' and $return_id = $built
        group by rule_id, record_id
    ),

    -- The value of an earlier return that, put back, clears most faults of a person.
    causes as (
        select
            causes.person_id,
            string_split(causes.rules, ', ') as rules,
            'Likely one cause: an earlier return has ' || coalesce(words.words, causes.xml_tag)
            || ' ' || strftime(try_cast(causes.value as date), '%-d %b %Y')
            || '. With it ' || causes.cleared || ' of ' || causes.faults
            || ' faults of this person are gone.' as cause,
        from audit.likely_causes as causes
        left join spec.item_words as words on causes.xml_tag = words.xml_tag
        where $return_id = $built
            and ($identify or causes.xml_tag <> 'PersonBirthDate')
        qualify row_number() over (
            partition by causes.person_id order by causes.cleared desc, causes.xml_tag, causes.value
        ) = 1
    ),

    limits as (
        select
            limits.*,
            coalesce(thresholds.unit, 'days') as unit,
            coalesce(thresholds.value::integer, 0) as value,
        from spec.rule_limits as limits
        left join spec.thresholds as thresholds
            on limits.limit_name = thresholds.name
                and $year between thresholds.year_from and thresholds.year_to
    ),

    found as (
        select
            issues.* replace (coalesce(issues.likely_error, false) as likely_error),
            not $identify and coalesce(holds_a_name(issues.found), false) as is_hidden,
        from validation.issues as issues
        where issues.return_id = $return_id
    ),

    dated as (
        select
            found.*,
            coalesce(
                date_in(found.found, limits.start_tag), date_in(found.found, limits.other_start_tag)
            ) as start_date,
            case
                when limits.end_tag is null then $work_day
                else date_in(found.found, limits.end_tag)
            end as end_date,
            limits.unit,
            limits.value as limit_value,
            case
                when is_hidden then concat_ws(
                    '; ',
                    $hidden,
                    nullif(regexp_extract(found.found, 'other record: [^;]*'), '')
                )
                else found.found
            end as shown,
        from found
        left join limits on found.rule_id = limits.rule_id
    ),

    described as (
        select
            dated.*,
            nullif(
                greatest(
                    0,
                    end_date - (
                        start_date
                        + case
                            when unit = 'months' then to_months(limit_value)
                            else to_days(limit_value)
                        end
                    )::date
                ),
                0
            )::integer as days_over,
            says_of(shown, words.of_tags, words.of_codes) as says,
            array_to_string(
                list_transform(
                    string_split(case when is_hidden then 'a name' else found end, '; '),
                    lambda part: in_words(
                        regexp_replace(part, '\\d{4}-\\d{2}-\\d{2}', 'a date'),
                        words.of_tags, words.of_codes
                    )
                ),
                '; '
            ) as kind_of_value,
        from dated
        cross join words
    ),

    -- A kind of value has its own group where its rule has few and it is there more than once.
    kinds as (
        select
            rule_id,
            kind_of_value,
            count(*) >= $many_from
            and count(*) over (partition by rule_id) between 2 and $most_kinds as has_own_group,
        from described
        group by rule_id, kind_of_value
    ),

    answered as (
        select
            described.*,
            case
                when kinds.has_own_group then described.kind_of_value
            end as value_kind,
            people.surname,
            people.forename,
            people.person_birth_date,
            workers.worker,
            coalesce(moved.team, case when answers.moved_to is not null then $no_team end)
                as moved_team,
            coalesce(teams.team, $no_team) as own_team,
            answers.corrected_on,
            notes.note,
            notes.note_text,
            notes.note_author,
            notes.note_date,
            notes.is_agreed,
            notes.agreed_with,
            offered.note_text as offered_text,
            unused.rule_id is not null as is_unused,
            unused.why as why_unused,
            before.rule_id is null and (select count(*) > 0 from audit.lines_before) as is_new,
        from described
        left join kinds
            on described.rule_id = kinds.rule_id
                and described.kind_of_value = kinds.kind_of_value
        left join spec.teams as teams on described.rule_id = teams.rule_id
        left join people on described.person_id = people.person_id
        left join workers
            on described.person_id = workers.person_id
        left join notes
            on described.return_id = notes.return_id
                and described.rule_id = notes.rule_id
                and described.record_id = notes.record_id
                and described.found is not distinct from notes.found
        left join answers
            on described.rule_id = answers.rule_id
                and described.record_id = answers.record_id
                and coalesce(described.found, '') = answers.found
        left join team_names as moved on lower(trim(answers.moved_to)) = moved.folded
        left join offered
            on described.return_id = offered.return_id
                and described.rule_id = offered.rule_id
                and described.record_id = offered.record_id
                and described.found is not distinct from offered.found
        left join unused
            on described.rule_id = unused.rule_id and described.record_id = unused.record_id
        left join (select distinct rule_id, record_id, mark from audit.lines_before) as before
            on described.rule_id = before.rule_id
                and described.record_id = before.record_id
                and mark_of(coalesce(described.found, '')) = before.mark
    ),

    stated as (
        select
            *,
            coalesce(moved_team, own_team) as team,
            case
                when note is not null then $answered
                when corrected_on is not null and corrected_on::date < $work_day then $still_there
                when corrected_on is not null then $waiting
                when is_unused then $again
                when offered_text is not null then $last_year
                when moved_team is not null then $moved
                when is_new then $new
            end as state,
            case
                when note is not null and $return_id = $built
                    then case when is_agreed then $agreed else $right end
            end as answer,
            case when $return_id = $built then coalesce(note_text, offered_text) end as reason,
            case when $return_id = $built then note_author end as initials,
        from answered
    )

    select
        row_number() over (
            order by
                list_position($severities, stated.severity),
                not stated.likely_error,
                stated.state is not distinct from $answered,
                not stated."primary",
                stated.days_over desc nulls last,
                list_position($modules, stated.module),
                stated.rule_id,
                stated.person_id nulls first,
                stated.request_id nulls first,
                stated.record_id,
                stated.source_file,
                stated.source_row,
                stated.found
        ) as line,
        stated.* exclude (found, shown) replace (
            stated.message
                || case
                    when stated.likely_error then ' COLLECT may list this as an error.' else ''
                end
                as message,
            concat_ws(
                ' ',
                'It follows from ' || stated.follows_from
                    || case
                        when cause_teams.team is distinct from stated.team
                            then ' (' || coalesce(cause_teams.team, $no_team) || ')'
                        else ''
                    end
                    || ': put that right first.',
                stated.fix,
                'The answer given could not be used. ' || case
                    when stated.state = $again then stated.why_unused
                end,
                causes.cause
            ) as fix
        ),
        stated.found as whole_found,
        stated.shown as found,
        rule_texts.allowed,
        rule_texts.item_number,
        rule_texts.item,
        case when stated."primary" then $main else 'follows from another' end as main_cause,
        $return_mark as return_mark,
        left(
            mark_of(coalesce(stated.found, '')),
            case when stated.is_hidden then $short else $long end
        ) as mark,
        case
            when coalesce(stated.answer, stated.reason, stated.initials) is not null
                then answer_mark(stated.answer, stated.reason, stated.initials)
        end as answer_mark,
    from stated
    left join rule_texts on stated.rule_id = rule_texts.rule_id
    left join spec.teams as cause_teams on stated.follows_from = cause_teams.rule_id
    left join causes
        on stated.person_id = causes.person_id
            and list_contains(causes.rules, stated.rule_id)
"""

WORDS = """
    create or replace temp macro date_in(found, tag) as try_cast(
        regexp_extract(found, '(^|; )' || tag || ' (\\d{4}-\\d{2}-\\d{2})', 2) as date
    );
    create or replace temp macro day_in_words(value) as case
        when regexp_full_match(value, '\\d{4}-\\d{2}-\\d{2}')
            and try_cast(value as date) is not null
            then strftime(try_cast(value as date), '%-d %b %Y')
        else value
    end;
    create or replace temp macro said(part, of_tags) as array_to_string(
        list_transform(
            string_split(part, ' '),
            lambda word: case
                when contains(word, '_') and of_tags[word] is not null
                    then lower(of_tags[word][1]) || of_tags[word][2:]
                else day_in_words(word)
            end
        ),
        ' '
    );
    create or replace temp macro in_words(part, of_tags, of_codes) as case
        when of_tags[regexp_extract(part, '^(\\w+) ', 1)] is null
            then upper(said(part, of_tags)[1]) || said(part, of_tags)[2:]
        else of_tags[regexp_extract(part, '^(\\w+) ', 1)] || ': '
            || said(regexp_replace(part, '^\\w+ ', ''), of_tags)
            || coalesce(' ' || of_codes[part], '')
    end;
    create or replace temp macro lines_of(found, of_tags, of_codes) as list_transform(
        string_split(found, '; '), lambda part: in_words(part, of_tags, of_codes)
    );
    create or replace temp macro says_of(found, of_tags, of_codes) as array_to_string(
        lines_of(regexp_replace(found, ' \\(cannot be read: .*\\)$', ''), of_tags, of_codes)
        || list_transform(
            list_filter(
                string_split(regexp_extract(found, ' \\(cannot be read: (.*)\\)$', 1), '; '),
                lambda part: part <> ''
            ),
            lambda part: 'Cannot be read: ' || in_words(part, of_tags, of_codes)
        ),
        chr(10)
    );
"""
