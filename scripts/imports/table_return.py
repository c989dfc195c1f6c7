"""Returns that come as tables: their rows, found by heading, joined into the shape of a return.

COLLECT's export and the workbooks differ in files, headings and keys; the seed `import_columns`
says how. What a layout has in common with the others is here: rows are gathered as text, each with
its place, then every row finds the row it belongs to. A row that cannot be placed is left out and
is a fault of its own; nothing else is.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path

import pyarrow

from .. import spec, warehouse
from ..ground.errors import InputError
from ..warehouse import LINED_TABLES, quoted
from .result import LONGEST_NAME, LONGEST_TEXT, STRUCTURE, Faults, ImportResult
from .xml.reader import Connection

ROWS_AT_A_TIME = 20_000
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY = re.compile(r"(\d{4})-([A-Za-z]{3})-(\d{2})(?: (\d{2}:\d{2}:\d{2})(?:\.0+)?)?")
ISO_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00:00(?:\.0+)?")
ANSWERS = {"true": "1", "false": "0"}
PICTURE = re.compile(r"9\((\d+)\) zero padded")
IN_BRACKETS = re.compile(r"\([^)]*\)?")
ISO_DATE = r"\d{4}-\d{2}-\d{2}"
LEFT_OUT = "which was left out"
KEYS = ("person_id", "request_id", "placement_id")

Convert = Callable[[str], str]
Row = Sequence[str | None]


def normal(heading: str) -> str:
    """A heading without what varies: case, spaces, kinds of dashes, what stands in brackets."""
    text = IN_BRACKETS.sub("", heading).replace("\u2013", "-").replace("\u2014", "-")
    return " ".join(text.lower().split())


def layout(name: str) -> dict[str, dict[str, spec.Row]]:
    """Each part of a layout, a file or a sheet or a block of one, to its columns by heading."""
    parts: dict[str, dict[str, spec.Row]] = {}
    for row in spec.seed("import_columns"):
        if row["layout"] == name:
            parts.setdefault(row["part"], {})[normal(row["heading"])] = row
    return parts


def check_year(name: str, year: int, source: Path) -> None:
    """A year from which no return in this layout is known is an input error."""
    if not any(row["layout"] == name for row in spec.in_force("import_columns", year)):
        raise InputError(f"{source}: no return of {year} is known in this layout. Import its XML.")


@dataclass
class Part:
    """One part as it was found: where its rows stand, and what each of its columns is."""

    name: str
    table: str
    file: str
    columns: list[spec.Row]
    places: list[int]
    unknown: list[int]
    header_row: int
    converts: list[Convert | None] = field(default_factory=list)

    @classmethod
    def found(
        cls,
        name: str,
        headings: Sequence[str],
        known: dict[str, spec.Row],
        file: str,
        header_row: int,
        where: str,
    ) -> "Part":
        """The part whose headings these are; a key that is missing or doubled is an input error."""
        table = next(iter(known.values()))["table_name"]
        columns: list[spec.Row] = []
        places: list[int] = []
        unknown: list[int] = []
        for place, heading in enumerate(headings):
            row = known.get(normal(heading))
            if row is None and heading.strip():
                unknown.append(place + 1)
            elif row and (row["column_name"] or row["key_of"]):
                columns.append(row)
                places.append(place)
        names = [row["column_name"] or row["key_of"] for row in columns]
        for row in columns:
            if names.count(row["column_name"] or row["key_of"]) > 1:
                raise InputError(
                    f"{where}: the column {row['heading']} stands twice. Remove one of them."
                )
        keys = dict.fromkeys(row["key_of"] for row in known.values() if row["key_of"])
        for key in keys:
            if key not in names:
                heading = next(row["heading"] for row in known.values() if row["key_of"] == key)
                raise InputError(
                    f"{where}: the column {heading} is missing, which says what the rows belong"
                    " to. Export it again, whole."
                )
        return cls(name, table, file, columns, places, unknown, header_row)

    def has(self, name: str) -> bool:
        """Whether an item's column is there."""
        return any(row["column_name"] == name for row in self.columns)


def conversion(table: str, column: str) -> Convert | None:
    """How an item's text becomes the return's own form; nothing where it stays as it is."""
    items = [
        row
        for row in spec.seed("items")
        if (row["table_name"], row["column_name"]) == (table, column)
    ]
    kinds = {row["data_type"] for row in items}
    if "date" in kinds:
        return iso_date
    if "dateTime" in kinds:
        return iso_time
    if "boolean" in kinds:
        return lambda value: ANSWERS.get(value.lower(), value)
    for row in items:
        if picture := PICTURE.search(row["format"]):
            width = int(picture[1])
            return lambda value: value.zfill(width) if value.isdigit() else value
    return None


@cache
def iso_date(value: str) -> str:
    """A date as the return has it; what cannot be read stays as it came."""
    time = iso_time(value)
    day = ISO_TIME.fullmatch(time)
    return day[1] if day else time


@cache
def iso_time(value: str) -> str:
    """A date, perhaps with a time, as ISO writes it; what cannot be read stays as it came."""
    if (found := DAY.fullmatch(value)) and found[2].lower() in MONTHS:
        month = MONTHS.index(found[2].lower()) + 1
        return f"{found[1]}-{month:02}-{found[3]}" + (f"T{found[4]}" if found[4] else "")
    return value


class TableReturn:
    """The parts of a return on their way into the schema imported, as temporary tables."""

    def __init__(
        self, connection: Connection, layout_name: str, source: Path, *, has_case_ids: bool
    ) -> None:
        """Nothing has been gathered yet; `has_case_ids`: its ids are the case system's own."""
        self.connection, self.layout, self.source = connection, layout_name, source
        self.has_case_ids = has_case_ids
        self.parts: dict[str, Part] = {}
        self.faults: dict[str, Faults] = {}

    def take(self, part: Part, rows: Iterable[tuple[int, Row]]) -> int:
        """Take a part's rows, each with its number; gives how many."""
        self.parts[part.table] = part
        part.converts = [
            conversion(part.table, row["column_name"]) if row["column_name"] else None
            for row in part.columns
        ]
        names = [row["column_name"] or f"key_{row['key_of']}" for row in part.columns]
        draft = f"draft_{part.table}"
        self.connection.execute(
            f"create or replace temp table {draft} ({warehouse.text_columns(names)}, line bigint)"
        )
        taken = 0
        converted = iter(self._converted(part, rows))
        while batch := list(islice(converted, ROWS_AT_A_TIME)):
            *texts, lines = zip(*batch, strict=True)
            arrow = pyarrow.table(
                [
                    *(pyarrow.array(text, pyarrow.string()) for text in texts),
                    pyarrow.array(lines, pyarrow.int64()),
                ],
                names=[*names, "line"],
            )
            self.connection.register("batch", arrow)
            self.connection.execute(f"insert into {draft} select * from batch")
            self.connection.unregister("batch")
            taken += len(batch)
        return taken

    def _converted(
        self, part: Part, rows: Iterable[tuple[int, Row]]
    ) -> Iterable[tuple[str | int | None, ...]]:
        plan = list(zip(part.places, part.converts, strict=True))
        for number, row in rows:
            found: list[str | int | None] = []
            for place, convert in plan:
                value = row[place] if place < len(row) else None
                value = value.strip() if value else None
                if value and len(value) > LONGEST_TEXT:
                    raise InputError(
                        f"{part.file}, row {number}, column {place + 1}: a value is longer than"
                        f" {LONGEST_TEXT:,} characters, so this is no SEN2 return. It was not read."
                    )
                found.append(convert(value) if value and convert else value or None)
            if any(found):
                yield (*found, number)

    def header(self, column: str) -> str | None:
        """A value of the header, which must be one row; nothing when the layout has no header."""
        part = self.parts.get("sen2")
        if part is None:
            return None
        rows = self.connection.execute("select * from draft_sen2").fetchall()
        if len(rows) != 1:
            raise InputError(
                f"{part.file}: holds {len(rows)} headers, not one. Give the export of one return"
                " of one authority."
            )
        names = [row["column_name"] for row in part.columns]
        return rows[0][names.index(column)] if column in names else None

    def fault(self, part: Part, line: int | None, message: str) -> None:
        """Keep a fault of a part."""
        self.faults.setdefault(part.file, Faults()).add(
            STRUCTURE, line or part.header_row, part.name, None, message
        )

    def store(self, return_id: str, year: int, sha256: str, la_code: str | None) -> ImportResult:
        """Put the return in place of the one of its name."""
        warehouse.forget(self.connection, return_id)
        self._note_headings(year)
        for table in spec.person_level_columns():
            if table in self.parts:
                self._join(table)
                self._store_table(return_id, table)
        if "sen2" not in self.parts:
            self.connection.execute(
                'insert into imported.sen2 (return_id, "year", lea) values (?, ?, ?)',
                [return_id, str(year), la_code],
            )
        for file, faults in self.faults.items():
            self.connection.executemany(
                "insert into imported.structure_faults"
                " (return_id, rule_id, line, element, person_id, message, source_file)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                [[return_id, *fault, file] for fault in faults.rows()],
            )
        self.connection.execute(
            "insert into imported.files"
            " (return_id, collection_year, source_file, sha256, has_case_ids)"
            " values (?, ?, ?, ?, ?)",
            [return_id, year, self.source.name, sha256, self.has_case_ids],
        )
        (people,) = self.connection.execute(
            "select count(*) from imported.person where return_id = ?", [return_id]
        ).fetchall()[0]
        count = sum(faults.count for faults in self.faults.values())
        return ImportResult(return_id, year, people, count, None)

    def _note_headings(self, year: int) -> None:
        """Columns that nobody knows, and columns of the year that are not there, are faults."""
        wanted = [
            row for row in spec.in_force("import_columns", year) if row["layout"] == self.layout
        ]
        for part in self.parts.values():
            for place in part.unknown:
                self.fault(part, None, f"has a column, number {place}, that is not known")
            missing = {
                row["column_name"]: row["heading"]
                for row in wanted
                if row["part"] == part.name
                and row["column_name"]
                and not part.has(row["column_name"])
            }
            for heading in missing.values():
                self.fault(part, None, f"has no column {heading}")

    def _join(self, table: str) -> None:
        """Give each row the keys of what it belongs to; a row that has none is a fault."""
        part = self.parts[table]
        keys = [row["key_of"] for row in part.columns if row["key_of"]]
        above = [key for key in keys if key != table and key in self.parts]
        parent = "requests" if "requests" in above else next(iter(above), None)
        own = f"draft.key_{table}" if table in keys else None
        items = "".join(
            f"draft.{quoted(row['column_name'])}, " for row in part.columns if row["column_name"]
        )
        held = {"person": "person_id", "requests": "request_id"}
        ids = ", ".join(
            f"{own if level == table else f'parent.{name}' if parent else 'null'} as {name}"
            for level, name in held.items()
        )
        joined = f"left join joined_{parent} as parent on draft.key_{parent} = parent.own_key"
        self.connection.execute(
            f"""
            create or replace temp table judged_{table} as
            select
                {items} {own or "draft.line::varchar"} as own_key, {ids}, draft.line,
                {self._judgement(own, parent, above)} as fault,
            from draft_{table} as draft {joined if parent else ""}
            """
        )
        found = self.connection.execute(
            f"select line, fault from judged_{table} where fault is not null order by line"
        )
        while rows := found.fetchmany(ROWS_AT_A_TIME):
            for line, message in rows:
                self.fault(part, line, message)
        numbered = "request_id || '/' || row_number() over (partition by request_id order by line)"
        self.connection.execute(
            f"""
            create or replace temp table joined_{table} as
            select *, {"own_key" if own else numbered} as placement_id
            from judged_{table}
            where fault is null or not ends_with(fault, '{LEFT_OUT}')
            """
        )
        self._note_dates(part)

    def _judgement(self, own: str | None, parent: str | None, above: list[str]) -> str:
        """The fault of a row that cannot be placed, or whose keys disagree, as an expression."""
        faults = []
        if own:
            earlier = f"row_number() over (partition by {own} order by draft.line) > 1"
            faults += [
                (f"{own} is null", f"has a row without a key, {LEFT_OUT}"),
                (earlier, f"has a second row with the key of an earlier one, {LEFT_OUT}"),
            ]
        if parent:
            name = self.parts[parent].name
            faults.append(
                (
                    "parent.own_key is null",
                    f"has a row that belongs to no row of {name}, {LEFT_OUT}",
                )
            )
        if parent == "requests" and "person" in above:
            faults.append(
                (
                    "draft.key_person <> parent.person_id",
                    "has a row that names another person than its request does; the request''s"
                    " counts",
                )
            )
        cases = " ".join(f"when {test} then '{message}'" for test, message in faults)
        return f"case {cases} end" if cases else "null::varchar"

    def _note_dates(self, part: Part) -> None:
        dates = {
            row["column_name"]
            for row in spec.seed("items")
            if row["table_name"] == part.table and row["data_type"] == "date"
        }
        for row in part.columns:
            if (column := row["column_name"]) in dates:
                found = self.connection.execute(
                    f"select line, {column} from joined_{part.table} where {column} is not null"
                    f" and not (regexp_full_match({column}, '{ISO_DATE}')"
                    f" and try_cast({column} as date) is not null) order by line"
                ).fetchall()
                for line, value in found:
                    said = f"has {value[:LONGEST_NAME]} as {row['heading']}, which is not a date"
                    self.fault(part, line, said)

    def _store_table(self, return_id: str, table: str) -> None:
        part = self.parts[table]
        columns = spec.person_level_columns()[table]
        items = [row["column_name"] for row in part.columns if row["column_name"]]
        names = ", ".join(quoted(column) for column in columns if column in items or column in KEYS)
        joined = f"joined_{table}"
        self.connection.execute(
            f"insert into imported.{table} (return_id, {names}) select ?, {names} from {joined}",
            [return_id],
        )
        if table in LINED_TABLES:
            self.connection.execute(
                f"insert into imported.{table}_lines (return_id, {names}, line, source_file)"
                f" select ?, {names}, line, ? from {joined}",
                [return_id, part.file],
            )
            return
        keys = [key for key in KEYS if key in columns]
        module, record = (table, keys[-1]) if keys else ("header", "$return_id")
        self.connection.execute(
            "insert into imported.record_lines"
            " (return_id, module, record_id, line, source_file)"
            f" select $return_id, $module, {record}, line, $file from {joined}",
            {"return_id": return_id, "module": module, "file": part.file},
        )
