"""A proposed mapping as a file: YAML that lands as it stands, with a reason on every line."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import yaml
from rapidfuzz import fuzz

from ... import spec
from ...ground.errors import InputError, printable
from .. import headings
from ..mapping import codes, dates
from ..mapping.model import SHIPPED, read_mapping
from . import profile, propose
from .profile import Profile
from .propose import KEYS, SURE, Match, Proposal, Source

ABSENT = "no file has headings for it"
HEAD = """\
# Proposed by `sen2 map` from headings and from what values look like. Nobody has confirmed it.
# Read every line: the number is how sure it is, and what follows it why. Lines marked ? need a
# decision. docs/mapping.md says what a mapping may hold.
"""
WIDEST = 64
BESIDE = "\0"
"""Where the comment of a line begins, before the comments of neighbours are aligned."""
MONTH_FIRST = "mm/dd/yyyy"
NEAR = 0.85


def text(proposal: Proposal, source: str, year: int) -> str:
    """The mapping as YAML, to be confirmed by a person."""
    return "\n".join(_aligned(_lines(proposal, source, year))) + "\n"


def write(proposal: Proposal, source: str, year: int, path: Path) -> None:
    """Write the mapping to a new file."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text(proposal, source, year))
    except FileExistsError:
        raise InputError(
            f"{path}: is there already, and may hold somebody's decisions. Give another name."
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from None


def source_name(extract: Path) -> str:
    """A name for the source, from that of its folder or file."""
    words = re.sub(r"[^a-z0-9]+", "_", extract.resolve().stem.lower()).strip("_")
    return words if words[:1].isalpha() else f"source_{words}".rstrip("_")


def summary(proposal: Proposal, year: int) -> Iterator[str]:
    """One line a table for the terminal: where it comes from, what was found, what is doubtful."""
    contract = {t: c for t, c in spec.contract(year).items() if t != "establishments"}
    width = max(map(len, contract)) + 2
    inputs = max((len(source.name) for source in proposal.sources), default=0) + 2
    for table, columns in contract.items():
        if table not in proposal.tables:
            yield f"{table:<{width}}{'':<{inputs}}{ABSENT}"
            continue
        source, matches = proposal.tables[table]
        needed = sum(column.is_required or column.name in matches for column in columns)
        found = len(matches) + ("rank" not in matches and table in proposal.ranked)
        doubtful = sum(match.confidence < SURE for match in matches.values())
        said = f"{found:>2} of {needed:>2} columns" + (f", {doubtful} doubtful" * bool(doubtful))
        yield f"{table:<{width}}{source.name:<{inputs}}{said}"


def _lines(proposal: Proposal, source: str, year: int) -> Iterator[str]:
    schema = SHIPPED.parent / "schemas" / "mapping.schema.json"
    yield f"# yaml-language-server: $schema={schema}"
    yield from HEAD.splitlines()
    yield from _shipped_that_fit(proposal)
    yield f"source: {source}"
    yield "inputs:"
    for each in proposal.sources:
        if not proposal.of_source(each):
            continue
        yield f"  {each.name}:"
        yield _line(f"    files: {_flow(each.files)}", f"{each.facts}; {each.rows:,} rows")
        if each.sheet:
            yield f"    sheet: {_scalar(each.sheet)}"
    formats, reason = _formats(proposal, year)
    yield _line(f"dates: {_flow(formats)}", reason)
    crosswalks = dict(_crosswalks(proposal, year))
    if any(told for told, _ in crosswalks.values()):
        yield "crosswalks:"
    for name, (told, _) in crosswalks.items():
        if told:
            yield f"  {name}:"
            for value, (lands, why) in told.items():
                yield _line(f"    {_scalar(value)}: {_scalar(lands)}", why)
    yield "tables:" if proposal.tables else "tables: {}"
    for table in proposal.tables:
        yield from _table(proposal, table, year, crosswalks)
    absent = [
        table
        for table in spec.contract(year)
        if table not in proposal.tables and table != "establishments"
    ]
    if absent:
        yield "absent:"
    for table in absent:
        yield f"  {table}: {ABSENT}"
    yield from _unmapped(proposal)


def _shipped_that_fit(proposal: Proposal) -> Iterator[str]:
    """A shipped mapping whose headings are nearly all here is better than a proposal."""
    held = {headings.fold(name) for source in proposal.sources for name in source.columns}
    for path in sorted(SHIPPED.glob("*.yml")):
        wanted = {
            headings.fold(column.heading)
            for feeds in read_mapping(path).tables.values()
            for feed in feeds
            for column in feed.columns.values()
            if column.heading and not column.may_be_missing
        }
        if len(wanted & held) >= 0.9 * len(wanted):
            yield f"# The shipped mapping {path.stem} reads these headings: try it first."


def _formats(proposal: Proposal, year: int) -> tuple[list[str], str]:
    """The date formats that the matched columns are written in, the most frequent first."""
    weights: dict[str, float] = {}
    for _, _, values in _dated(proposal):
        for name in _needed_formats(values):
            if name != MONTH_FIRST:
                weights[name] = weights.get(name, 0.0) + values.days[name] * values.filled
    order = [*dates.FORMATS, dates.EXCEL]
    found = sorted(weights, key=lambda name: (-weights[name], order.index(name)))
    if not found:
        return ["yyyy-mm-dd", "dd/mm/yyyy"], "no date was found to tell by"
    return found, "in the order of how many dates they read"


def _dated(proposal: Proposal) -> Iterator[tuple[str, str, Profile]]:
    """Table, column and values of every matched date."""
    for table, (source, matches) in proposal.tables.items():
        for column, match in matches.items():
            if _kind(table, column) == "date":
                yield table, column, source.columns[match.heading]


def _needed_formats(values: Profile) -> list[str]:
    """The fewest formats that read what can be read; the day comes first unless it cannot."""
    days_first = values.days.get("dd/mm/yyyy", 0.0)
    return [
        name
        for name, share in values.days.items()
        if share >= 0.01 and (name != MONTH_FIRST or share > days_first)
        if name != "dd/mm/yyyy" or share >= values.days.get(MONTH_FIRST, 0.0)
    ]


Told = dict[str, tuple[str, str]]
"""Local value to what it becomes, and why."""


def _crosswalks(proposal: Proposal, year: int) -> Iterator[tuple[str, tuple[Told, list[str]]]]:
    """For each coded column the values to translate, and in words those that nothing is known of.

    Only words that stand in several rows are shown: a value of one row may be a person's.
    """
    for table, (source, matches) in proposal.tables.items():
        for column, match in matches.items():
            listed = codes.code_list(table, column, year)
            if listed is None:
                continue
            values = source.columns[match.heading]
            is_flag = _kind(table, column) == "flag"
            told, unknown = _tell(
                values, listed, propose.usual_values(table, column, is_flag=is_flag)
            )
            if told or unknown:
                yield f"{table}_{column}", (told, unknown)


def _tell(values: Profile, listed: codes.CodeList, usual: dict[str, str]) -> tuple[Told, list[str]]:
    known = {headings.fold(t) for pair in listed.labels.items() for t in pair}
    told: Told = {}
    unknown = []
    shown = dict(values.shown())
    hidden = sum(
        rows
        for value, rows in values.counts.items()
        if value not in shown and headings.fold(value) not in known | set(usual)
    )
    for value, rows in values.counts.items():
        folded = headings.fold(value)
        if folded in known:
            continue
        if folded in usual:
            told[value] = usual[folded], f"1.00: the usual meaning; {rows:,} rows"
        elif value in shown:
            code, label = codes.nearest(value, listed)
            likeness = _likeness(folded, code, label)
            if code is not None and likeness >= NEAR:
                told[value] = code, f"{likeness:.2f}: like {label!r}; {rows:,} rows"
            else:
                near = f"; the nearest is {code}, {label}" if code else ""
                unknown.append(f"{value!r} in {rows:,} rows is no code of it{near}")
    if hidden:
        unknown.append(
            f"values in {hidden:,} rows are no code of it and not shown, since they may be a"
            " person's: see unmapped_values.csv after landing"
        )
    return told, unknown


def _likeness(folded: str, code: str | None, label: str | None) -> float:
    texts = [headings.fold(each) for each in (code, label) if each]
    return max((fuzz.token_sort_ratio(folded, each) / 100 for each in texts), default=0.0)


def _table(
    proposal: Proposal,
    table: str,
    year: int,
    crosswalks: dict[str, tuple[Told, list[str]]],
) -> Iterator[str]:
    source, matches = proposal.tables[table]
    if table in proposal.ranked:
        yield f"  {table}:"
        for rank, match in sorted(proposal.ranked[table].items()):
            yield f"    - input: {source.name}"
            yield f"      label: {'first' if rank == '1' else 'second'}"
            yield _line(f"      where: {_filled([match.heading])}", "rows that have one")
            ranked = {**matches, "need": match}
            yield from _columns(proposal, table, ranked, year, crosswalks, rank, "      ")
        return
    yield f"  {table}:"
    yield f"    input: {source.name}"
    columns = spec.contract(year)[table]
    own = [match.heading for name, match in matches.items() if name not in KEYS]
    is_shared = len(proposal.of_source(source)) > 1
    key = columns[0]
    if is_shared:
        of_own = [matches[key.name].heading] if table in ("people", "requests", "plans") else own
        yield _line(f"    where: {_filled(of_own)}", "the file feeds other tables too")
    is_keyed = key.key.startswith("pk") and key.name in matches
    if is_shared or (is_keyed and not source.columns[matches[key.name].heading].is_unique):
        keys = [key.name] if is_keyed else list(matches)
        yield _line(f"    one_row_per: {_flow(keys)}", "rows that say the same are set aside")
    yield from _columns(proposal, table, matches, year, crosswalks, None, "    ")


def _columns(
    proposal: Proposal,
    table: str,
    matches: dict[str, Match],
    year: int,
    crosswalks: dict[str, tuple[Told, list[str]]],
    rank: str | None,
    indent: str,
) -> Iterator[str]:
    source, _ = proposal.tables[table]
    blank = []
    yield f"{indent}columns:"
    for column in spec.contract(year)[table]:
        match = matches.get(column.name)
        if column.name == "rank" and match is None:
            why = (
                "said by the heading" if rank else "? no heading says the rank: taken as the first"
            )
            yield _line(f'{indent}  rank: {{value: "{rank or 1}"}}', why)
        elif match is None and column.is_required:
            blank.append(column.name)
        elif match is not None:
            mark = "" if match.confidence >= SURE else "? "
            written = _column(table, column.name, match, source, year, crosswalks)
            why = f"{mark}{match.confidence:.2f}: {match.reason}"
            yield _line(f"{indent}  {column.name}: {written}", why)
            for unknown in crosswalks.get(f"{table}_{column.name}", ({}, []))[1]:
                yield f"{indent}    # ? {unknown}"
    if blank:
        yield _line(f"{indent}blank: {_flow(blank)}", "? no heading fits")


def _column(
    table: str,
    column: str,
    match: Match,
    source: Source,
    year: int,
    crosswalks: dict[str, tuple[Told, list[str]]],
) -> str:
    """What stands behind a column's name: the heading alone, or with how its values are read."""
    values = source.columns[match.heading]
    parts = []
    if crosswalks.get(f"{table}_{column}", ({}, []))[0]:
        parts.append(f"crosswalk: {table}_{column}")
    listed = codes.code_list(table, column, year)
    if listed is not None and profile.known_share(values, listed)[1]:
        parts.append("labels: true")
    if _kind(table, column) == "date" and MONTH_FIRST in _needed_formats(values):
        parts.append(f"dates: [{MONTH_FIRST}]")
    if not parts:
        return _scalar(match.heading)
    return "{from: " + ", ".join([_scalar(match.heading, is_flow=True), *parts]) + "}"


def _kind(table: str, column: str) -> str:
    """The type of a contract column."""
    return next(
        row["data_type"]
        for row in spec.seed("extract_contract")
        if (row["table_name"], row["column_name"]) == (table, column)
    )


def _filled(names: list[str]) -> str:
    """The condition that a row has any of these, as a YAML scalar."""
    cells = ", ".join('sen2_clean("' + name.replace('"', '""') + '")' for name in names)
    said = cells if len(names) == 1 else f"coalesce({cells})"
    return _scalar(f"{said} is not null")


def _unmapped(proposal: Proposal) -> Iterator[str]:
    """What no line above takes: headings, and files."""
    for source in proposal.sources:
        unused = "; ".join(proposal.unused(source))
        if not proposal.of_source(source):
            yield f"# No table takes {', '.join(source.files)}, with the headings {unused}"
        elif unused:
            yield f"# No column took, of {source.name}: {unused}"
    for words in proposal.skipped:
        yield f"# Not read: {words}"


def _line(said: str, why: str) -> str:
    return f"{said}{BESIDE}{why}"


def _aligned(lines: Iterator[str]) -> Iterator[str]:
    """Lines whose comments stand under each other, in each run of lines that have one.

    The name of a file may hold a line break: it ends no comment.
    """
    for has_comment, run in groupby(lines, key=lambda line: BESIDE in line):
        if not has_comment:
            yield from (printable(line) if line.lstrip().startswith("#") else line for line in run)
            continue
        pairs = [line.split(BESIDE, 1) for line in run]
        width = max((len(said) for said, _ in pairs if len(said) <= WIDEST), default=0)
        yield from (f"{said:<{width}}  # {printable(why)}" for said, why in pairs)


def _flow(values: list[str]) -> str:
    return "[" + ", ".join(_scalar(value, is_flow=True) for value in values) + "]"


def _scalar(value: str, *, is_flow: bool = False) -> str:
    """A text as YAML reads it back, quoted only where it must be."""
    holder = [value] if is_flow else {"x": value}
    written = yaml.safe_dump(
        holder, default_flow_style=is_flow, width=10**6, allow_unicode=True
    ).strip()
    return written[1:-1] if is_flow else written.removeprefix("x: ")
