"""A mapping: one YAML file that says how a source's files or queries become the contract's tables.

The models here are the form of the file, its JSON Schema (`make generate`) and its documentation
(docs/mapping.md). Whether the files hold what a mapping names is seen when they are read.
"""

import csv
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from ... import spec
from ...ground.errors import InputError
from ...untrusted import parsers
from . import dates

SHIPPED = Path(__file__).resolve().parents[2] / "mappings"
NAME = r"^[a-z][a-z0-9_]*$"
RESERVED = ("plan",)
"""Sources may not be called so: their ids would look like those of requests that we supply."""
LONGEST = 1_000
"""Most characters of a text that a mapping puts in the place of a value."""
MOST = 100
"""Most date formats, and most words for blank."""
Name = Annotated[str, Field(pattern=NAME)]
Names = Annotated[
    list[str], BeforeValidator(lambda each: [each] if isinstance(each, str) else each)
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Input(_Part):
    """What is read: files of the extract's folder, or a query on a database; one of the two."""

    files: Names = Field(
        default=[], description="Names or patterns of files, from the extract's folder."
    )
    sheet: str | None = Field(
        default=None, description="The sheet of a workbook; the first one when left out."
    )
    under: str | None = Field(
        default=None,
        description="The name that stands alone above the table, where a sheet holds several.",
    )
    until: Names = Field(
        default=[],
        description="The names that stand alone above the other tables of that sheet: the table"
        " ends before the next of them.",
    )
    having: Names = Field(
        default=[],
        description="Headings that tell these files from others of the same pattern: a file without"
        " all of them is not read.",
    )
    encoding: str | None = Field(
        default=None, description="The encoding of text, such as windows-1252; found when left out."
    )
    delimiter: str | None = Field(
        default=None,
        description="The character between values; found when left out.",
        min_length=1,
        max_length=1,
    )
    quote: str = Field(
        default='"', description="The character that values are quoted with.", pattern=r"^[!-~]$"
    )
    header_row: list[int] = Field(
        default=[],
        description="The row of the headings, or the rows when merged cells group them; found when"
        " left out. Counted from the name above the table when `under` gives one.",
    )
    short_rows: Literal["set_aside", "fill"] = Field(
        default="set_aside",
        description="What becomes of a row with fewer values than the header: it is set aside, or"
        " its missing last values count as blank.",
    )
    may_be_missing: bool = Field(
        default=False, description="Whether there may be no such file; it then has no rows."
    )
    database: str | None = Field(
        default=None,
        description="The environment variable that holds the database's URL, and begins with SEN2_."
        " Never the URL itself.",
        pattern=r"^SEN2_[A-Z0-9_]+$",
    )
    query: str | None = Field(
        default=None, description="The SQL query; order it, so that its rows have numbers."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_row(cls, value: object) -> object:
        if isinstance(value, dict) and isinstance(value.get("header_row"), str | int):
            return {**value, "header_row": [value["header_row"]]}
        return value

    @model_validator(mode="after")
    def _is_one_kind(self) -> "Input":
        if bool(self.files) == bool(self.query):
            raise ValueError("give either files or a query")
        if bool(self.query) != bool(self.database):
            raise ValueError("a query needs database, the name of an environment variable")
        return self


class Column(_Part):
    """Where a column of a contract table comes from: a heading, a constant or an expression."""

    heading: str | None = Field(default=None, alias="from", description="The heading it is under.")
    of: Name | None = Field(
        default=None, description="The input looked up in that has the heading; else the feed's."
    )
    value: str | None = Field(default=None, description="One value for every row.")
    sql: str | None = Field(
        default=None, description='A DuckDB expression of the row\'s headings, as "Person ID".'
    )
    crosswalk: Name | None = Field(default=None, description="The crosswalk that translates it.")
    labels: bool = Field(
        default=False, description="Whether DfE's labels of the codes count as the codes."
    )
    dates: Names = Field(default=[], description="Its date formats, instead of the mapping's.")
    default: str | None = Field(default=None, description="What a blank becomes.")
    may_be_missing: bool = Field(
        default=False, description="Whether the heading may be missing; it is then blank."
    )
    comment: str | None = Field(default=None, description="Why, for the next reader.")

    @model_validator(mode="before")
    @classmethod
    def _heading_alone(cls, value: object) -> object:
        return {"from": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_one_kind(self) -> "Column":
        if sum(each is not None for each in (self.heading, self.value, self.sql)) != 1:
            raise ValueError("give one of from, value or sql")
        return self


class LookUp(_Part):
    """Another input's row that belongs to a row: at most one, the first in file order."""

    input: Name
    on: dict[str, str] = Field(
        description="Heading of the feed's input to heading of the other.", min_length=1
    )


class Feed(_Part):
    """One input's rows as rows of one contract table."""

    input: Name
    label: str | None = Field(
        default=None,
        description="What tells these rows from another feed's of the same input and table.",
    )
    where: str | None = Field(
        default=None, description="The rows that count, as a DuckDB expression; all when left out."
    )
    look_up: list[LookUp] = []
    one_row_per: Names = Field(
        default=[],
        description="Columns of the table: of the rows with the same values there one is kept, and"
        " the others are set aside with the reason.",
    )
    order_by: str | None = Field(
        default=None,
        description="Which of them is kept, as a DuckDB order. Left out, only rows that say the"
        " same are set aside, and others land for a rule to report.",
    )
    columns: dict[Name, Column]
    blank: Names = Field(default=[], description="Columns of the table that the source lacks.")


class Mapping(_Part):
    """The whole file: one source, what is read of it, and what each contract table takes."""

    source: Name = Field(description="The source's name, which lands in _source.")
    description: str | None = None
    ids_of: Name | None = Field(
        default=None,
        description="The source whose ids of people, requests, plans and placements these are; left"
        " out, they are the source's own, and 7 here is not 7 there.",
    )
    inputs: dict[Name, Input] = Field(min_length=1)
    dates: Names = Field(
        default=["yyyy-mm-dd", "dd/mm/yyyy"],
        description="Date formats, tried in this order, such as dd/mm/yyyy, dd/mm/yy, dd-mmm-yyyy,"
        " excel (serial numbers), or one with % as in strptime.",
    )
    blanks: Names = Field(
        default=[], description="What the source writes for nothing, such as NULL or N/A."
    )
    crosswalks: dict[Name, dict[str, str]] = Field(
        default={},
        description="Name to local value to contract value. `file` alone names a CSV file with the"
        " columns from and to, beside the mapping.",
    )
    tables: dict[Name, list[Feed]]
    absent: dict[Name, str] = Field(
        default={}, description="Contract tables that the source lacks, and why."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_feed(cls, value: object) -> object:
        if isinstance(value, dict) and isinstance(value.get("tables"), dict):
            tables = {
                table: [feeds] if isinstance(feeds, dict) else feeds
                for table, feeds in value["tables"].items()
            }
            return {**value, "tables": tables}
        return value


def find_mapping(name: Path) -> Path:
    """The file of a mapping: the one given, or the shipped one of that name."""
    shipped = SHIPPED / f"{name.name}.yml"
    return shipped if not name.exists() and name.parent == Path() and shipped.exists() else name


def read_mapping(path: Path) -> Mapping:
    """A mapping, checked; every fault becomes one sentence that names its place in the file."""
    path = find_mapping(path)
    try:
        content = parsers.read_yaml(path, parsers.AsText)
    except OSError as error:
        shipped = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.yml")))
        raise InputError(
            f"{path}: the mapping cannot be read ({error.strerror}). Shipped are: {shipped}."
        ) from None
    try:
        mapping = Mapping.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {'; '.join(map(_plain, error.errors()))}.") from None
    read = {name: _crosswalk(path, name, each) for name, each in mapping.crosswalks.items()}
    mapping = mapping.model_copy(update={"crosswalks": read})
    faults = _faults(mapping)
    if faults:
        raise InputError(f"{path}: {'; '.join(faults)}.")
    return mapping


def _plain(fault: ErrorDetails) -> str:
    """One fault of the form as a person would say it."""
    place = ".".join(str(part) for part in fault["loc"]) or "the file"
    words = {
        "extra_forbidden": "is no part of a mapping (docs/mapping.md lists them)",
        "missing": "is missing",
        "string_too_long": "must be one character",
        "string_pattern_mismatch": "must be lower-case letters, digits and underscores"
        if "database" not in place and not place.endswith("quote")
        else "must be one character, such as a quotation mark"
        if "database" not in place
        else "must be the name of an environment variable that begins with SEN2_, such as"
        " SEN2_DATABASE_URL; the URL itself does not belong in the file",
    }.get(str(fault["type"]))
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{place}: {words or message[0].lower() + message[1:]}"


def _crosswalk(path: Path, name: str, crosswalk: dict[str, str]) -> dict[str, str]:
    """A crosswalk as written, or of the file beside the mapping that it names."""
    if set(crosswalk) != {"file"}:
        return crosswalk
    if not _stays_inside(crosswalk["file"]):
        raise InputError(
            f"{path}: crosswalks.{name}: {crosswalk['file']} leads out of the mapping's folder."
            " Give a name within it."
        )
    file = path.parent / crosswalk["file"]
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(
            f"{path}: crosswalks.{name}: {file} cannot be read. Give a UTF-8 CSV with the columns"
            " from and to."
        ) from None
    if not rows or not {"from", "to"} <= set(rows[0]):
        raise InputError(f"{file}, row 1: is not the header of a crosswalk, which is from,to.")
    return {row["from"]: row["to"] or "" for row in rows}


def _stays_inside(name: str) -> bool:
    """Whether a name or pattern is one within its folder: a mapping may come from a stranger."""
    parts = [part for part in name.replace("\\", "/").split("/") if part != "."]
    return (
        any(parts)
        and not name.startswith(("/", "\\"))
        and ".." not in parts
        and "\0" not in name
        and name[1:2] != ":"
        and parsers.can_be_a_name(name)
        and all(part == "**" or "**" not in part for part in parts)
    )


def _faults(mapping: Mapping) -> list[str]:
    """What a mapping names that neither it nor the contract has."""
    contract = {(row["table_name"], row["column_name"]) for row in spec.seed("extract_contract")}
    tables = {table for table, _ in contract}
    faults = _too_much(mapping) + [
        f"{table}: is not a table of the contract, which are {', '.join(sorted(tables))}"
        for table in (*mapping.tables, *mapping.absent)
        if table not in tables
    ]
    faults += [
        f"inputs.{name}: files: {file} is not a name or pattern within the extract's folder"
        for name, stated in mapping.inputs.items()
        for file in stated.files
        if not _stays_inside(file)
    ]
    given = [
        *mapping.dates,
        *(
            name
            for feeds in mapping.tables.values()
            for feed in feeds
            for column in feed.columns.values()
            for name in column.dates
        ),
    ]
    faults += [
        f"dates: {name} is not a date format; there are {', '.join((*dates.FORMATS, dates.EXCEL))},"
        " and those with %"
        for name in given
        if not dates.is_known(name)
    ]
    if mapping.source in RESERVED:
        faults.append(f"source: {mapping.source} begins ids of ours; take another name")
    faults += [
        f"{table}: stands in tables and in absent; remove one"
        for table in mapping.tables
        if table in mapping.absent
    ]
    for table, feeds in mapping.tables.items():
        twice = {(feed.input, feed.label) for feed in feeds}
        if len(twice) < len(feeds):
            faults.append(f"tables.{table}: two feeds of one input need a label each")
        for feed in feeds:
            faults += _feed_faults(mapping, table, feed, contract)
    return faults


def _too_much(mapping: Mapping) -> list[str]:
    """Texts that would stand in every row and are longer than any value, and lists without end."""
    texts = {"source": [mapping.source], "blanks": mapping.blanks, "dates": mapping.dates}
    for name, crosswalk in mapping.crosswalks.items():
        texts[f"crosswalks.{name}"] = list(crosswalk.values())
    for table, feeds in mapping.tables.items():
        for feed in feeds:
            texts.setdefault(f"tables.{table}", []).append(feed.label or "")
            for name, column in feed.columns.items():
                said = [column.value or "", column.default or "", *column.dates]
                texts.setdefault(f"tables.{table}.{name}", []).extend(said)
    faults = [
        f"{place}: holds a text of more than {LONGEST:,} characters; make it shorter"
        for place, found in texts.items()
        if max(map(len, found), default=0) > LONGEST
    ]
    lists = {"blanks": mapping.blanks, "dates": mapping.dates} | {
        f"tables.{table}.{name}.dates": column.dates
        for table, feeds in mapping.tables.items()
        for feed in feeds
        for name, column in feed.columns.items()
    }
    return faults + [
        f"{place}: has more than {MOST} entries; leave out those that no file has"
        for place, found in lists.items()
        if len(found) > MOST
    ]


def _feed_faults(
    mapping: Mapping, table: str, feed: Feed, contract: set[tuple[str, str]]
) -> list[str]:
    place = f"tables.{table}"
    looked_up = [each.input for each in feed.look_up]
    faults = [
        f"{place}: {name} is not one of the inputs"
        for name in (feed.input, *looked_up)
        if name not in mapping.inputs
    ]
    faults += [
        f"{place}.{name}: is not a column of the contract's {table}"
        for name in (*feed.columns, *feed.blank, *feed.one_row_per)
        if (table, name) not in contract
    ]
    faults += [
        f"{place}.{name}: stands in columns and in blank; remove one"
        for name in feed.blank
        if name in feed.columns
    ]
    for name, column in feed.columns.items():
        if column.of and column.of not in looked_up:
            faults.append(f"{place}.{name}: {column.of} is not in look_up")
        if column.crosswalk and column.crosswalk not in mapping.crosswalks:
            faults.append(f"{place}.{name}: there is no crosswalk {column.crosswalk}")
    return faults
