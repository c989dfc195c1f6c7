"""One person, as a warehouse holds them: records, scope, clocks, issues, rows, sources."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from .. import spec
from ..ground.errors import InputError
from ..spec.constants import BUILT

Row = dict[str, Any]

KEYS = ("return_id", "person_id", "request_id", "placement_id", "record_id")
PLACED = ("plan_detail", "sen_need")
"""Tables whose records are known by their request and a place in it."""

OWN_IDS = """
own as (
    select $person as person_id
    union
    select person_id from intermediate.merged_people where into_person_id = $person
)
"""
"""The person's id, and those of the records that count under it."""

OWN_ROWS = f"""
with {OWN_IDS.strip()},
requests as (
    select * from staging.stg_requests semi join own using (person_id)
),
plans as (
    select * from staging.stg_plans semi join own using (person_id)
),
rows_of as (
    select 'people' as table_name, person_id as key, _file, _row
    from staging.stg_people semi join own using (person_id)
    union all
    select 'requests', request_id, _file, _row from requests
    union all
    select 'assessments', request_id, _file, _row
    from staging.stg_assessments semi join requests using (request_id)
    union all
    select 'disputes', coalesce(request_id, plan_id), _file, _row
    from staging.stg_disputes
    where
        request_id in (select request_id from requests)
        or request_id is null and plan_id in (select plan_id from plans)
    union all
    select 'plans', plan_id, _file, _row from plans
    union all
    select 'plan_settings', plan_id, _file, _row
    from staging.stg_plan_settings semi join plans using (plan_id)
    union all
    select 'placements', placement_id, _file, _row
    from staging.stg_placements semi join plans using (plan_id)
    union all
    select 'needs', plan_id, _file, _row
    from staging.stg_needs semi join plans using (plan_id)
    union all
    select 'reviews', plan_id, _file, _row
    from staging.stg_reviews semi join plans using (plan_id)
)
select rows_of.table_name, rows_of.key, ends.file, ends.row, ends.disposition, ends.reason
from rows_of
left join audit.row_dispositions as ends
    on rows_of.table_name = ends.table_name
        and rows_of._file = ends.file and rows_of._row = ends.row
order by all
"""

QUERIES = {
    "scope": (
        "select request_id, plan_id, in_return, category, reason, near_miss"
        " from intermediate.case_scope where person_id = $person order by request_id"
    ),
    "variants": (
        "select * from intermediate.case_categories where person_id = $person order by request_id"
    ),
    "clocks": (
        "select request_id, clock, start_date, due_date, end_date, days, state, days_left"
        " from intermediate.clocks where person_id = $person order by due_date, request_id, clock"
    ),
    "causes": (
        "select causes.*, words.words from audit.likely_causes as causes"
        " left join spec.item_words as words on causes.xml_tag = words.xml_tag"
        " where causes.person_id = $person"
        " order by causes.cleared desc, causes.xml_tag, causes.value"
    ),
    "rows": OWN_ROWS,
    "overrides": (
        f"with own as ({OWN_ROWS.replace('order by all', '')})"
        " select corrections.* from audit.overrides as corrections"
        " semi join own on corrections.table_name = own.table_name and corrections.key = own.key"
        " order by corrections.row"
    ),
    "sources": (
        f"with {OWN_IDS.strip()}"
        " select people.person_id, people._source, people._file, people._row"
        " from staging.stg_people as people semi join own using (person_id)"
        " inner join audit.sources on people._source = sources.source"
        " where (select count(*) > 1 from audit.sources) order by sources.place, people._row"
    ),
    "matches": (
        f"with {OWN_IDS.strip()}"
        " select * from intermediate.people_matches as matches"
        " where exists (select 1 from own where own.person_id = matches.person_id"
        " or own.person_id = matches.other_person_id)"
        " order by array_position(['matched', 'review', 'apart', 'taken'], outcome), score desc,"
        " person_id, other_person_id"
    ),
}
"""What only the return built from the extract has, by name."""

ISSUES = (
    "select * from validation.issues where return_id = $return and person_id = $person"
    " order by array_position(['load_reject', 'error', 'query'], severity),"
    ' not "primary", rule_id, record_id'
)
NOTES = "select * from validation.query_notes where list_contains($records, record_id) order by row"
ANSWERS = (
    "select * from raw.answers where list_contains($records, record_id)"
    " order by _row, rule_id, record_id"
)
LINEAGE = (
    "select * from audit.lineage where return_id = $return and person_id = $person"
    " order by table_name, record_id, column_name,"
    " array_position(['copied', 'derived', 'decides'], how), source_table, file, row, source_column"
)


@dataclass(frozen=True)
class Record:
    """A record of a return: its table, its case, what identifies it, and its items as text."""

    table: str
    request_id: str | None
    record_id: str
    items: dict[str, str | None]


@dataclass(frozen=True)
class Person:
    """What a warehouse holds on one person of one return; lists are empty where it has nothing."""

    person_id: str
    return_id: str
    survey: Row
    records: list[Record]
    issues: list[Row]
    notes: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    scope: list[Row] = field(default_factory=list)
    variants: list[Row] = field(default_factory=list)
    clocks: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    overrides: list[Row] = field(default_factory=list)
    sources: list[Row] = field(default_factory=list)
    matches: list[Row] = field(default_factory=list)
    causes: list[Row] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Whether the warehouse holds anything on them."""
        return bool(self.records or self.rows)


def ask(connection: duckdb.DuckDBPyConnection, query: str, **parameters: object) -> list[Row]:
    """The rows of a query, as dicts; parameters are never part of the SQL."""
    used = {name: value for name, value in parameters.items() if f"${name}" in query}
    found = connection.execute(query, used)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def main_return(connection: duckdb.DuckDBPyConnection) -> str:
    """The return a warehouse is about: the one built from the extract, else the one imported."""
    names = [row["return_id"] for row in ask(connection, "from person_level.sen2 order by 1")]
    if BUILT in names or not names:
        return BUILT
    return str(names[0])


RESOLVED = """
with known as (
    select person_id from staging.stg_people
    union
    select into_person_id from intermediate.merged_people
),
-- The id as reports have it, else as the person's own system has it.
given as (
    select $person as person_id from known where person_id = $person
    union
    select coalesce(sources.id_prefix, '') || people.person_id
    from raw.people as people
    inner join audit.sources on people._source = sources.source
    where people.person_id = $person and $person not in (select person_id from known)
)
select distinct
    coalesce(merged.into_person_id, given.person_id) as person_id,
    given.person_id as own
from given
left join intermediate.merged_people as merged on given.person_id = merged.person_id
order by all
"""


def resolve(connection: duckdb.DuckDBPyConnection, person_id: str) -> str:
    """The id under which a person counts, from any source's id; an unknown one as it is.

    Raises InputError when the id is of several people, and none of them has it in the reports.
    """
    found = ask(connection, RESOLVED, person=person_id)
    people = sorted({str(row["person_id"]) for row in found})
    if len(people) > 1:
        own = ", ".join(str(row["own"]) for row in found)
        raise InputError(f"Several sources have a person of that id. Ask for one of {own}.")
    return people[0] if people else person_id


def read(
    connection: duckdb.DuckDBPyConnection, path: Path, person_id: str, return_id: str
) -> Person:
    """Everything on one person; unknown people are empty, not an error.

    Raises InputError, naming the warehouse's path, when it holds no such return.
    """
    survey = ask(
        connection,
        "select returns.return_id, returns.collection_year, returns.return_la, returns.survey_day,"
        " returns.period_start, returns.period_end, survey.as_at, survey.extracted_on"
        " from validation.returns as returns"
        " left join intermediate.survey as survey on returns.return_id = 'built'"
        " where returns.return_id = $return",
        **{"return": return_id},
    )
    if not survey:
        raise InputError(f"{path}: holds no return {return_id}. Run `sen2 build` and try again.")
    keys: dict[str, object] = {"person": person_id, "return": return_id}
    records = read_records(connection, person_id, return_id)
    issues = ask(connection, ISSUES, **keys)
    own = {}
    if return_id == BUILT:
        own = {name: ask(connection, query, **keys) for name, query in QUERIES.items()}
        ids = sorted(
            {record.record_id for record in records}
            | {row["record_id"] for row in issues}
            | {row["request_id"] for row in own["scope"]}
        )
        own["notes"] = ask(connection, NOTES, records=ids)
        own["answers"] = ask(connection, ANSWERS, records=ids)
    return Person(person_id, return_id, survey[0], records, issues, **own)


def read_records(
    connection: duckdb.DuckDBPyConnection, person_id: str, return_id: str
) -> list[Record]:
    """The person's records of a return, in the order of the return's tables."""
    return [
        Record(
            table=table,
            request_id=row.get("request_id"),
            record_id=row["record_id"],
            items={
                name: None if value is None else str(value)
                for name, value in row.items()
                if name not in KEYS
            },
        )
        for table, columns in spec.person_level_columns().items()
        if table != "sen2"
        for row in ask(
            connection,
            f"select *, {_record_id(table, columns)} as record_id from person_level.{table}"
            " where return_id = $return and person_id = $person order by record_id",
            **{"person": person_id, "return": return_id},
        )
    ]


def _record_id(table: str, columns: list[str]) -> str:
    """The SQL of a record's id, the same as in validation.issues and audit.lineage."""
    if table in PLACED:
        items = ", ".join(f"{name} nulls last" for name in columns if name not in KEYS)
        place = f"row_number() over (partition by return_id, request_id order by {items})"
        return f"request_id || '/' || {place}"
    return {"person": "person_id", "placement_detail": "placement_id"}.get(table, "request_id")


def sources(connection: duckdb.DuckDBPyConnection, person: Person) -> list[Row]:
    """The source cells of every item returned of the person."""
    return ask(connection, LINEAGE, person=person.person_id, **{"return": person.return_id})


UNKNOWN = """
with ids as (
    select person_id, 'a request' as what, request_id as id from staging.stg_requests
    union all
    select person_id, 'a plan', plan_id from staging.stg_plans
    union all
    select plans.person_id, 'a placement', placements.placement_id
    from staging.stg_placements as placements
    inner join staging.stg_plans as plans on placements.plan_id = plans.plan_id
    union all
    select person_id, 'a unique pupil number', upn from staging.stg_people
    union all
    select person_id, 'a unique learner number', uln from staging.stg_people
)
select distinct what, person_id from ids
where id = $person and person_id is not null
order by all limit 3
"""
NEAREST = """
with people as (
    select person_id from staging.stg_people
    union
    select person_id from person_level.person where return_id = $return
)
select person_id from people
where person_id is not null
order by lower(trim(person_id)) <> lower(trim($person)), levenshtein(person_id, $person), person_id
limit 3
"""


def refuse_unknown(
    connection: duckdb.DuckDBPyConnection, person_id: str, return_id: str
) -> InputError:
    """The error for an id that no person has, with the nearest help.

    What was given is not repeated, since it may be a name or a number of a person.
    """
    given = {"person": person_id[:100]}
    same = ask(connection, UNKNOWN, **given)
    if same:
        whose = "; ".join(f"it is {row['what']} of person {row['person_id']}" for row in same)
        return InputError(f"No person of this warehouse has that id: {whose}. Ask for the person.")
    near = [
        str(row["person_id"]) for row in ask(connection, NEAREST, **given, **{"return": return_id})
    ]
    help_ = f" The nearest ids are {', '.join(near)}." if near else " It holds no people at all."
    return InputError(f"No person of this warehouse has that id.{help_}")
