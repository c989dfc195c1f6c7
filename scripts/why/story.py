"""Why: one person's page, from a finished warehouse, without dbt."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .. import spec, warehouse
from ..spec.constants import BUILT
from . import person as reader
from .changes import BLANK, Change, since_before, since_last_year
from .person import Person, Record, Row


@dataclass(frozen=True)
class Personal:
    """A value from a person's record: shown on the page, masked in the terminal unless asked."""

    text: str


Cell = str | Personal


@dataclass(frozen=True)
class Table:
    """A table of a page: headings, rows of as many cells, and what to say when there are none."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    words: str = ""
    none: str = "None."


@dataclass(frozen=True)
class Item:
    """An item as returned: its value, the cells it comes from, and those that decide it too."""

    number: str
    name: str
    value: Cell
    sources: str
    also: str


@dataclass(frozen=True)
class Returned:
    """A record as returned: the row it comes from, unless its items say another, and its items."""

    title: str
    place: str
    items: list[Item]


@dataclass(frozen=True)
class Page:
    """One person's page: a title, a few lines in words, tables, and the records returned."""

    title: str
    lines: list[str]
    tables: list[Table]
    records: list[Returned]


def person_page(path: Path, person_id: str, before: Path | None = None) -> Page:
    """The page of a person.

    Raises InputError when there is no such warehouse or person; what was given as the id is not
    repeated in it.
    """
    with warehouse.reading(path) as connection:
        return_id = reader.main_return(connection)
        if return_id == BUILT:
            person_id = reader.resolve(connection, person_id)
        person = reader.read(connection, path, person_id, return_id)
        if not person.is_known:
            raise reader.refuse_unknown(connection, person_id, return_id)
        records = list(_records(person, reader.sources(connection, person)))
        tables = [
            *([_cases(person), _clocks(person)] if return_id == BUILT else []),
            _issues(person),
            *([_causes(person)] if person.causes else []),
            *([_notes(person)] if return_id == BUILT else []),
        ]
        for name, other in since_last_year(connection, path, person):
            tables.append(_changes(f"Since last year ({name})", other, person.survey))
    if before:
        with warehouse.reading(before) as earlier:
            then = reader.read(earlier, before, person_id, return_id)
        words = f"Since {before.name}"
        tables.append(_changes(words, since_before(then, person), person.survey))
    if return_id == BUILT:
        tables.append(_rows(person))
    if person.sources:
        tables[0:0] = [_sources_of(person), _matches(person)]
    return Page(f"Why: person {person_id}", _summary(person), tables, records)


def _summary(person: Person) -> list[str]:
    """What matters most, in a few lines."""
    survey = person.survey
    known_on = survey["as_at"] or survey["survey_day"]
    lines = [
        f"The {survey['collection_year']} return of authority {survey['return_la']},"
        f" as at {known_on}; the survey day is {survey['survey_day']}."
    ]
    if survey["extracted_on"] and survey["extracted_on"] > known_on:
        lines.append(
            f"The extract is of {survey['extracted_on']}: clocks and notes go by that day."
        )
    if person.return_id != BUILT:
        lines.append(f"This is the return {person.return_id}, imported: it has no cases or clocks.")
    elif not person.scope:
        lines.append("Not in the return: the extract holds no case that could be.")
    else:
        within = sum(row["in_return"] for row in person.scope)
        where = "In the return" if within else "Not in the return"
        lines.append(f"{where}: {within} of {_count(len(person.scope), 'case')} within its scope.")
    worst = [row for row in person.issues if row["severity"] != "query"]
    queries = len(person.issues) - len(worst)
    lines.append(f"{_count(len(worst), 'error')} to clear, {_count(queries, 'query', 'queries')}.")
    return lines


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cases(person: Person) -> Table:
    return Table(
        "Cases",
        ("case", "returned", "category", "why", "near miss"),
        [
            (
                f"{row['request_id']}, plan {row['plan_id']}"
                if row["plan_id"]
                else row["request_id"],
                "yes" if row["in_return"] else "no",
                _words(row["category"]),
                row["reason"],
                _near_miss(person.variants, row),
            )
            for row in person.scope
        ],
        "What came into the return, what did not, and which one date would change that.",
        "The extract has no case of this person.",
    )


def _sources_of(person: Person) -> Table:
    return Table(
        "Sources",
        ("source", "id", "row"),
        [
            (row["_source"], row["person_id"], _place(row["_file"], row["_row"]))
            for row in person.sources
        ],
        "The records of this person, the source to believe first standing first.",
    )


def _matches(person: Person) -> Table:
    return Table(
        "Compared with",
        ("records", "outcome", "score", "why"),
        [
            (
                f"{row['person_id']} and {row['other_person_id']}",
                row["outcome"],
                _text(row["score"]),
                row["reason"],
            )
            for row in person.matches
        ],
        "The same child (matched), for you to decide (review), decided to be different (apart), or"
        " passed over for a better match (taken).",
        "No other source has a person like this one.",
    )


def _near_miss(variants: list[Row], case: Row) -> str:
    """The smallest moves of one date that would take the case in or out."""
    own = [row for row in variants if row["request_id"] == case["request_id"]]
    (real,) = [row for row in own if row["moved_column"] is None]
    nearest: dict[str, tuple[int, date, str]] = {}
    for row in own:
        column = row["moved_column"]
        if column is None or row["in_return"] == case["in_return"]:
            continue
        move = (abs((row[column] - real[column]).days), row[column], _words(row["category"]))
        nearest[column] = min(move, nearest.get(column, move))
    where = "out" if case["in_return"] else "in"
    return "; ".join(
        f"{where} if {_words(column)} were {day} ({_count(days, 'day')} away): {category}"
        for column, (days, day, category) in sorted(nearest.items())
    )


def _clocks(person: Person) -> Table:
    return Table(
        "Clocks",
        ("request", "clock", "start", "due", "end", "days", "state", "days left"),
        [
            (
                row["request_id"],
                _words(row["clock"]),
                *(_text(row[name]) for name in ("start_date", "due_date", "end_date", "days")),
                row["state"],
                _text(row["days_left"]),
            )
            for row in person.clocks
        ],
        none="No clock runs, or ran, on a case in the return.",
    )


def _issues(person: Person) -> Table:
    return Table(
        "What to fix",
        ("rule", "record", "what is wrong, and what to do", "found", "source"),
        [
            (
                f"{row['rule_id']} {_words(row['severity'])}"
                + ("" if row["primary"] else ", not the main cause"),
                f"{_words(row['module'])} {_text(row['record_id'])}",
                f"{row['message']} {row['fix']}",
                Personal(_text(row["found"])),
                _place(row["source_file"], row["source_row"]),
            )
            for row in person.issues
        ],
        none="No rule found anything.",
    )


def _causes(person: Person) -> Table:
    return Table(
        "Likely one cause",
        ("item", "earlier value", "what it clears", "rules"),
        [
            (
                _text(row["words"] or row["xml_tag"]),
                Personal(_text(row["value"])),
                f"With it {row['cleared']} of {_count(row['faults'], 'fault')} are gone.",
                _text(row["rules"]),
            )
            for row in person.causes
        ],
        none="",
    )


def _place(file: str | None, row: int | None) -> str:
    """A row of a file as a spreadsheet numbers it, or a line of an XML file."""
    if file is None or row is None:
        return file or ""
    return f"{file} {'line' if file.lower().endswith('.xml') else 'row'} {row}"


def _notes(person: Person) -> Table:
    notes: list[tuple[Cell, ...]] = [
        (
            _place(row["file"], row["row"]),
            f"note on {row['rule_id']}, {row['record_id']}",
            row["status_reason"],
            f"{row['author']}, {row['written_date']}",
            Personal(_text(row["note_text"])),
        )
        for row in person.notes
    ]
    corrections: list[tuple[Cell, ...]] = [
        (
            _place(row["file"], row["row"]),
            f"correction of {row['table_name']}.{row['column_name']}, {row['key']}",
            row["status_reason"],
            f"{row['author']}, {row['written_date']}",
            Personal(
                f"{row['from_value'] or 'blank'} → {row['to_value'] or 'blank'}: {row['reason']}"
            ),
        )
        for row in person.overrides
    ]
    there = {(row["rule_id"], row["record_id"]) for row in person.issues}
    answers: list[tuple[Cell, ...]] = [
        (
            _place(row["_file"], row["_row"]),
            f"answer to {row['rule_id']}, {row['record_id']}",
            _outcome(row, person.survey) if (row["rule_id"], row["record_id"]) in there else "gone",
            f"{row['author']}, {row['date']}",
            _answer(row),
        )
        for row in person.answers
    ]
    return Table(
        "Notes and corrections",
        ("source", "about", "what became of it", "by", "what it says"),
        notes + answers + corrections,
    )


def _outcome(row: Row, survey: Row) -> str:
    """What became of an answer whose line is found again."""
    if row["answer"] == "other_team":
        return "moved"
    extracted_on = survey["extracted_on"]
    is_waiting = extracted_on is not None and row["date"] >= extracted_on.isoformat()
    return "in no extract yet" if is_waiting else "still there"


def _answer(row: Row) -> str:
    """What an officer answered in the workbook, other than a note or a value."""
    if row["answer"] == "other_team":
        return f"with {row['text'] or 'no team'}"
    return "corrected in the case system"


def _changes(title: str, found: list[Change] | str, survey: Row) -> Table:
    """What changed since another return or warehouse, or why that cannot be told."""
    year = survey["collection_year"]
    shown = _shown(year)
    tags = {
        (row["table_name"], row["column_name"]): row["xml_tag"]
        for row in spec.in_force("items", year)
    }
    rows: list[tuple[Cell, ...]] = []
    for change in found if not isinstance(found, str) else ():
        item = (change.table or "", change.column or "")
        is_shown = item not in tags or item in shown
        values = (
            text if is_shown or text in ("", BLANK) else Personal(text)
            for text in (change.then, change.now)
        )
        rows.append((change.record, tags.get(item, change.item), *values))
    return Table(
        title,
        ("record", "item", "then", "now"),
        rows,
        none=found if isinstance(found, str) else "Nothing changed.",
    )


def _rows(person: Person) -> Table:
    """The landed rows, those with the same end for the same reason together."""
    ends: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in person.rows:
        end = (_words(_text(row["disposition"])), _text(row["reason"]))
        ends.setdefault(end, {}).setdefault(row["file"], []).append(str(row["row"]))
    return Table(
        "Rows of the extract",
        ("end", "why", "rows"),
        [
            (end, why, "; ".join(f"{file} {', '.join(found)}" for file, found in files.items()))
            for (end, why), files in sorted(ends.items(), key=lambda each: each[0][0] != "returned")
        ],
        "Every row landed of this person, by file, and where it ended.",
    )


def _shown(year: int) -> set[tuple[str, str]]:
    """The items whose values the terminal may show: dates of the case, and its outcomes."""
    return {
        (row["table_name"], row["column_name"])
        for row in spec.in_force("items", year)
        if row["table_name"] != "person"
        and (row["data_type"] == "date" or row["xml_tag"].endswith("Outcome"))
    }


def _records(person: Person, sources: list[Row]) -> Iterator[Returned]:
    """The records returned, each item with its value and where it comes from."""
    year = person.survey["collection_year"]
    shown = _shown(year)
    items = {(row["table_name"], row["column_name"]): row for row in spec.in_force("items", year)}
    of_cell: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in sources:
        of_cell[row["table_name"], row["record_id"], row["column_name"]].append(row)
    for record in _by_case(person):
        place = _own_place(record, sources)
        found: list[Item] = []
        for column, value in record.items.items():
            if (record.table, column) not in items:
                continue
            cells = of_cell[record.table, record.record_id, column]
            is_shown = value is None or (record.table, column) in shown
            item = items[record.table, column]
            found.append(
                Item(
                    number=item["item_no"],
                    name=item["xml_tag"],
                    value=_text(value) if is_shown else Personal(_text(value)),
                    sources=_sources((row for row in cells if row["how"] != "decides"), place),
                    also=_sources((row for row in cells if row["how"] == "decides"), place),
                )
            )
        yield Returned(f"{_words(record.table)} {record.record_id}", place, found)


def _own_place(record: Record, sources: list[Row]) -> str:
    """The row that most items of a record are copied from."""
    places = Counter(
        _place(row["file"], row["row"])
        for row in sources
        if row["how"] == "copied"
        and row["file"] is not None
        and (row["table_name"], row["record_id"]) == (record.table, record.record_id)
    )
    return max(sorted(places), key=lambda place: places[place], default="")


def _by_case(person: Person) -> list[Record]:
    """The records case by case, the case of the earliest request first, undated ones last."""
    received = {
        record.request_id: record.items["received_date"] or "9"
        for record in person.records
        if record.table == "requests"
    }
    return sorted(
        person.records,
        key=lambda record: (
            record.request_id is not None,
            received.get(record.request_id, "9"),
            record.request_id or "",
        ),
    )


def _sources(rows: Iterable[Row], own_place: str) -> str:
    """Source cells in words, those of one row together, its own row's first and without its name.

    A correction that a cell went through is named after it. A cell of the item's own name, in an
    imported return, goes without saying.
    """
    places: dict[str, list[str]] = {}
    for row in rows:
        if row["file"] is None:
            places.setdefault(f"no row of {row['source_table']}", [])
            continue
        column = "" if row["source_column"] == row["xml_tag"] else row["source_column"]
        if row["correction_file"]:
            corrected = _place(row["correction_file"], row["correction_row"])
            column += f" (corrected by {corrected}, {row['correction_author']})"
        places.setdefault(_place(row["file"], row["row"]), []).append(column)
    return "; ".join(
        ", ".join(columns) if place == own_place else f"{place}: {', '.join(columns)}".rstrip(": ")
        for place, columns in sorted(places.items(), key=lambda each: each[0] != own_place)
    )
