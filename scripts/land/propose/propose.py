"""A mapping proposed from an extract's headings and values, for a person to confirm.

A heading is weighed against every column of the contract by its name, against the column's own,
those of the shipped mappings and the usual ones, and by what its values look like.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb
from rapidfuzz import fuzz

from ... import spec, warehouse
from ...ground.errors import InputError
from .. import headings
from ..mapping import codes
from ..mapping.model import SHIPPED, Input, Mapping, read_mapping
from ..read import inputs, workbook
from ..read.inputs import InputFile, NoHeadingsError
from . import profile
from .profile import Profile

LEAST = 0.6
"""The least confidence with which a heading is proposed."""
SURE = 0.85
"""The confidence from which a line needs no more than a look."""
READ = {".csv", ".tsv", ".txt", ".parquet", *inputs.WORKBOOKS, *inputs.JSON_LINES}
KEYS = ("person_id", "request_id", "plan_id")
ORDINALS = {
    **dict.fromkeys(("primary", "first", "main", "1"), "1"),
    **dict.fromkeys(("secondary", "second", "2"), "2"),
}


@dataclass(frozen=True)
class Source:
    """Files, or sheets, with the same headings: an input of the mapping to be."""

    name: str
    files: list[str]
    sheet: str | None
    facts: str
    columns: dict[str, Profile]
    rows: int


@dataclass(frozen=True)
class Match:
    """A heading proposed for a column, how sure that is (0 to 1), and why."""

    heading: str
    confidence: float
    reason: str


@dataclass
class Proposal:
    """What is proposed: for each table its source and matches; and what nothing fits."""

    sources: list[Source]
    tables: dict[str, tuple[Source, dict[str, Match]]] = field(default_factory=dict)
    ranked: dict[str, dict[str, Match]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def of_source(self, source: Source) -> list[str]:
        """The tables that a source feeds."""
        return [table for table, (fed, _) in self.tables.items() if fed is source]

    def unused(self, source: Source) -> list[str]:
        """The headings of a source that no column took."""
        used = {
            match.heading
            for table in self.of_source(source)
            for match in (*self.tables[table][1].values(), *self.ranked.get(table, {}).values())
        }
        return [heading for heading in source.columns if heading not in used]


def propose(extract: Path, year: int) -> Proposal:
    """Read every file of an extract and propose which headings feed which columns.

    Raises InputError when no file has headings that are like the contract's.
    """
    if not extract.exists():
        raise InputError(f"{extract}: there is no such file or folder. Give the extract.")
    found, skipped = _open_all(extract)
    with duckdb.connect() as connection:
        sources = [
            _read(connection, name, group) for name, group in _named(_grouped(found)).items()
        ]
    workbook.forget()
    proposal = Proposal([], skipped=skipped)
    known = []
    for source in sources:
        scored = _score(source, year)
        if len({heading for heading, *_ in scored}) < min(2, len(source.columns)):
            # Row 1 of a file without headings holds a person's values: none of it may be shown.
            proposal.skipped += [
                f"{name}: fewer than two headings are like the contract's, or it has none"
                for name in source.files
            ]
            continue
        proposal.sources.append(source)
        known.append((source, scored))
    if not known:
        said = "; ".join(proposal.skipped) or "it has no file that can be read"
        raise InputError(f"{extract}: no mapping can be proposed ({said}).")
    _choose_tables(proposal, known, year)
    return proposal


def _open_all(extract: Path) -> tuple[list[tuple[InputFile, str | None]], list[str]]:
    """Every file and sheet that has a row of headings, and in words those that have none."""
    paths = [extract] if extract.is_file() else sorted(extract.rglob("*"))
    found: list[tuple[InputFile, str | None]] = []
    skipped: list[str] = []
    for path in paths:
        if path.suffix.lower() not in READ or path.name.startswith(("~$", ".")):
            continue
        name = path.name if extract.is_file() else path.relative_to(extract).as_posix()
        is_book = path.suffix.lower() in inputs.WORKBOOKS
        sheets: list[str | None] = [*workbook.sheet_names(path)] if is_book else [None]
        for sheet in sheets:
            stated = Input(files=[name], sheet=sheet)
            try:
                one = inputs.open_file(path, name, stated, ())
            except NoHeadingsError:
                skipped.append(f"{name}{f', {sheet}' if sheet else ''}: no row looks like headings")
                continue
            if any(map(_is_value, one.header)):
                skipped.append(f"{one.name}: its first row holds values, not headings")
                continue
            found.append((one, sheet))
    return found, skipped


def _is_value(heading: str) -> bool:
    """Whether what stands as a heading is more like a value of a record."""
    looks = (look for look, _ in profile.FORMS.values())
    return any(look(heading) for look in looks) or bool(
        re.fullmatch(r"\d+([-/. ]([A-Za-z]{3,9}|\d+)){2}.*|\d{4,}.*|column \d+", heading)
        and not heading.startswith("column ")
    )


Group = list[tuple[InputFile, str | None]]


def _grouped(found: Group) -> list[Group]:
    """Files with the same headings together: monthly files are one input."""
    groups: dict[tuple, Group] = {}
    for one, sheet in found:
        key = (tuple(map(headings.fold, one.header)), sheet)
        groups.setdefault(key, []).append((one, sheet))
    return list(groups.values())


def _named(groups: list[Group]) -> dict[str, Group]:
    """A name for every group: its sheet's, if a workbook has several, or its first file's."""
    named: dict[str, Group] = {}
    for group in groups:
        one, sheet = group[0]
        stem = (one.path or Path(one.name)).stem
        shared = sum(other[0][0].path == one.path for other in groups) > 1
        words = re.sub(r"[^a-z0-9]+", "_", f"{sheet if shared and sheet else stem}".lower())
        name = words.strip("_") or "input"
        name = name if name[0].isalpha() else f"input_{name}"
        number = 1
        while (unique := name if number == 1 else f"{name}_{number}") in named:
            number += 1
        named[unique] = group
    return named


def _read(connection: duckdb.DuckDBPyConnection, name: str, group: Group) -> Source:
    """The profile of every column of a group of files."""
    first, sheet = group[0]
    connection.execute(
        "create or replace temp table source_rows"
        f" ({warehouse.text_columns(first.header)}, _row bigint)"
    )
    for one, _ in group:
        columns = ", ".join(map(warehouse.quoted, one.header))

        def insert(relation: str, row: str, columns: str = columns) -> str:
            return (
                f"insert into source_rows select {columns}, {row} from {relation}"
                " where $file is not null"
            )

        one.load(connection, insert)
    rows = connection.execute("select count(*) from source_rows").fetchone()
    profiles = profile.of_table(connection, "source_rows", first.header)
    files = [str(one.name.split(" [")[0]) for one, _ in group]
    return Source(name, files, sheet, first.facts, profiles, int(rows[0]) if rows else 0)


@cache
def names_of(table: str, column: str) -> tuple[tuple[str, str], ...]:
    """What a column may be called, normalised, each with where the name comes from."""
    single = table.removesuffix("s").replace("_", " ")
    words = column.replace("_", " ")
    names = [(words, "the contract"), (f"{single} {words}", "the contract")]
    for name, mapping in _shipped().items():
        for feed in mapping.tables.get(table, []):
            given = feed.columns.get(column)
            if given is not None and given.heading:
                names.append((given.heading, f"the mapping {name}"))
    names += [
        (row["heading"], "the usual headings")
        for row in _data("usual_headings")
        for of_table, name in [row["column_name"].split(".")]
        if name == column and (of_table == table or column in KEYS)
    ]
    return tuple((_plain(name), origin) for name, origin in names)


@cache
def _shipped() -> dict[str, Mapping]:
    """The mappings of other systems that are shipped, by name."""
    paths = sorted(SHIPPED.glob("*.yml"))
    return {path.stem: read_mapping(path) for path in paths if path.stem != "contract"}


@cache
def _data(name: str) -> tuple[dict[str, str], ...]:
    with (SHIPPED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def usual_values(table: str, column: str, *, is_flag: bool) -> dict[str, str]:
    """Folded local value to what it usually means in a column."""
    wanted = {f"{table}.{column}", "flag" if is_flag else ""}
    return {
        headings.fold(row["value"]): row["lands"]
        for row in _data("usual_values")
        if row["column_name"] in wanted
    }


def _plain(name: str) -> str:
    """A heading as words: ReceivedDate is received date, what stands in brackets goes."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"\([^)]*\)", " ", name))
    return " ".join(re.findall(r"[a-z0-9]+", headings.fold(spaced)))


def name_score(heading: str, table: str, column: str) -> tuple[float, str]:
    """How like one of the column's names a heading is (0 to 1), and the name."""
    words = _plain(heading)
    best = (0.0, "")
    for name, origin in names_of(table, column):
        score = fuzz.token_sort_ratio(words, name) / 100
        tokens = set(name.split())
        if len(tokens) > 1 and tokens < set(words.split()):
            score = max(score, 0.8)
        score -= 0.0 if origin == "the contract" else 0.01
        if score > best[0]:
            how = "is named" if words == name else "is named like"
            best = (score, f"{how} {name!r} of {origin}".replace("'", '"'))
    return best


Scored = tuple[str, str, str, Match]
"""Heading, table, column, and how they match."""


def _score(source: Source, year: int) -> list[Scored]:
    """Every pair of heading and column that is likely enough."""
    kinds = {(r["table_name"], r["column_name"]): r for r in spec.seed("extract_contract")}
    found = []
    for table, columns in spec.contract(year).items():
        if table == "establishments":
            continue
        for column in columns:
            row = kinds[table, column.name]
            for heading, values in source.columns.items():
                match = _match(heading, values, table, row, year)
                if match.confidence >= LEAST:
                    found.append((heading, table, column.name, match))
    return found


def _match(heading: str, values: Profile, table: str, row: spec.Row, year: int) -> Match:
    """One heading against one column."""
    column = row["column_name"]
    named, reason = name_score(heading, table, column)
    held, why, tells = _value_score(values, table, row, year)
    if held is None:
        return Match(heading, round(named, 2), reason)
    confidence = 0.7 * named + 0.3 * held if held >= 0.5 else named * (0.4 + held)
    if tells and held >= 0.9 and 0.75 * held > confidence:
        return Match(heading, round(0.75 * held, 2), why)
    return Match(heading, round(confidence, 2), f"{reason}; {why}")


def _value_score(
    values: Profile, table: str, row: spec.Row, year: int
) -> tuple[float | None, str, bool]:
    """How well values suit a column, in words, and whether they tell it whatever its name."""
    column = row["column_name"]
    if not values.filled:
        return None, "no value", False
    if row["data_type"] == "date":
        share = values.date_share
        return share, f"{share:.0%} of its values are dates", False
    if column in profile.FORMS:
        look, words = profile.FORMS[column]
        share = values.share(look)
        return share, f"{share:.0%} {words}", column in ("upn", "uln", "postcode")
    listed = codes.code_list(table, column, year)
    if listed is not None:
        usual = usual_values(table, column, is_flag=row["data_type"] == "flag")
        known = {headings.fold(t) for pair in listed.labels.items() for t in pair} | set(usual)
        share = values.share(lambda value: headings.fold(value) in known)
        tells = max(map(len, listed.labels)) > 3 and len(listed.labels) > 5
        name = row["codeset"] or row["allowed"].replace(";", ", ") or "yes and no"
        return share, f"{share:.0%} of its values are in the list {name}", tells
    if values.date_share > 0.9:
        return 0.0, "but its values are dates", False
    if row["key"] == "pk" and values.is_unique:
        return 1.0, "every row has a value of its own", False
    return None, "", False


def _choose_tables(proposal: Proposal, known: list[tuple[Source, list[Scored]]], year: int) -> None:
    """Each table goes to the source that suits it best; each heading to one column, keys aside."""
    contract = spec.contract(year)
    ranked: list[tuple[float, str, Source, list[Scored]]] = []
    for source, scored in known:
        for table in contract:
            score = _suits(source, table, scored, year)
            if score:
                ranked.append((score, table, source, scored))
    ranked.sort(key=lambda each: (-each[0], list(contract).index(each[1]), each[2].name))
    chosen: dict[str, Source] = {}
    for _, table, source, scored in ranked:
        if table not in chosen and _has_own(table, source, scored, chosen):
            chosen[table] = source
    matched: dict[str, dict[str, Match]] = {}
    for source, scored in known:
        fed = [table for table in contract if chosen.get(table) is source]
        matched |= _assign(scored, fed)
    for table in contract:
        of_table = matched.get(table, {})
        if _tells_rows(contract[table], of_table):
            proposal.tables[table] = (chosen[table], of_table)
    for table in list(proposal.tables):
        _add_ranks(proposal, table, year)


def _tells_rows(columns: list[spec.ContractColumn], found: Iterable[str]) -> bool:
    """Whether the columns found say what a row is of, and something of it.

    A dispute may be of a plan instead of a request. Such a file must say two things of the dispute,
    since many files have a plan and a date.
    """
    own = set(found) - {*KEYS, "rank"}
    if columns[0].name in found:
        return bool(own)
    others = {column.name for column in columns if column.key} - {columns[0].name}
    return not columns[0].key.startswith("pk") and bool(others & set(found)) and len(own) > 1


def _suits(source: Source, table: str, scored: Iterable[Scored], year: int) -> float:
    """How well a source suits a table: the part of its columns that are found, and the name."""
    columns = spec.contract(year)[table]
    tables = [{c.name for c in each} for each in spec.contract(year).values()]
    weight = {c.name: 1 / sum(c.name in names for names in tables) for c in columns}
    best: dict[str, float] = {}
    for _, of_table, column, match in scored:
        if of_table == table:
            best[column] = max(best.get(column, 0.0), match.confidence)
    if not _tells_rows(columns, best):
        return 0.0
    total = sum(weight[c.name] for c in columns if c.is_required or c.name in best)
    covered = sum(weight[name] * confidence for name, confidence in best.items()) / total
    words = source.name.replace("_", " ")
    called = fuzz.token_set_ratio(words, table.replace("_", " ")) / 100
    explained = len({h for h, of_table, *_ in scored if of_table == table}) / len(source.columns)
    return covered + 0.3 * (called if called > 0.8 else 0.0) + 0.1 * explained


def _has_own(
    table: str, source: Source, scored: Iterable[Scored], chosen: dict[str, Source]
) -> bool:
    """Whether a source has a heading that suits this table better than those it feeds already."""
    others = [each for each, fed in chosen.items() if fed is source]
    if not others:
        return True
    best: dict[str, dict[str, float]] = {}
    for heading, of_table, column, match in scored:
        if column not in (*KEYS, "rank") and (of_table == table or of_table in others):
            side = "own" if of_table == table else "other"
            held = best.setdefault(heading, {})
            held[side] = max(held.get(side, 0.0), match.confidence)
    return any(each.get("own", 0.0) > each.get("other", 0.0) for each in best.values())


def _assign(scored: Iterable[Scored], tables: list[str]) -> dict[str, dict[str, Match]]:
    """The surest pairs first: a heading to one column only, unless it is a key."""
    order = sorted(
        (each for each in scored if each[1] in tables),
        key=lambda each: (-each[3].confidence, tables.index(each[1])),
    )
    taken: set[str] = set()
    matched: dict[str, dict[str, Match]] = {table: {} for table in tables}
    for heading, table, column, match in order:
        held = matched[table]
        is_key = column in KEYS
        own = {each.heading for each in held.values()}
        if column in held or heading in own or (heading in taken and not is_key):
            continue
        held[column] = match
        if not is_key:
            taken.add(heading)
    return matched


def _add_ranks(proposal: Proposal, table: str, year: int) -> None:
    """Where no heading is the rank: the headings of the first and the second, as Second need."""
    source, matches = proposal.tables[table]
    if "rank" in matches or not any(c.name == "rank" for c in spec.contract(year)[table]):
        return
    found: dict[str, Match] = {}
    for column in ("need",):
        if column not in matches:
            continue
        for heading, values in source.columns.items():
            words = _plain(heading).split()
            ranks = [ORDINALS[word] for word in words if word in ORDINALS]
            rest = " ".join(word for word in words if word not in ORDINALS)
            if len(ranks) == 1 and name_score(rest, table, column)[0] >= LEAST and values.filled:
                found[ranks[0]] = Match(heading, SURE, f"says which of two it is; {rest!r}")
    if set(found) == {"1", "2"}:
        proposal.ranked[table] = found
