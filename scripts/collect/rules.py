"""The rules' verbs: DfE's own numbers and severities, read, reviewed by a person, then kept."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from .. import spec
from ..ground import spreadsheet
from ..ground.errors import InputError
from ..spec.constants import WORST_FIRST
from . import headed_table, rule_numbers
from .headed_table import HeadedTable
from .rule_numbers import COLUMNS, number_of, order

HEADINGS = {
    "number": (
        *("rule number", "rule no", "error number", "error no", "validation number"),
        *("validation rule number", "rule", "rule id", "error code", "sequence number"),
        *("sequence no", "sequence", "number", "no", "id", "code", "ref", "reference"),
    ),
    "message": (
        *("error message", "message", "message text", "rule description", "error description"),
        *("validation message", "description", "error text", "rule text", "validation", "rule"),
    ),
    "severity": (
        *("error/query", "error or query", "severity", "error type", "type", "category"),
        *("rule type", "level"),
    ),
    "items": ("items", "item", "fields", "field", "data item", "data items", "fields used"),
}
"""Headings that DfE's workbook may have; none is known to us, so these are guesses."""

REVIEW = (
    *("dfe_number", "dfe_severity", "dfe_message", "choice", "rule_id", "our_severity"),
    *("new_severity", "our_message", "score", "reason", "source", "confirmed_by", "confirmed_on"),
)
"""From the gravest down."""
SEVERITY_COLUMNS = ("rule_id", "severity", "reason", "author", "date")


class Kept(NamedTuple):
    """How many lines a person confirmed, how many numbers are kept now, how many severities."""

    confirmed: int
    numbers: int
    severities: int


def import_dfe(
    path: Path, year: int, review: Path, local: Path = rule_numbers.LOCAL
) -> tuple[int, int, int]:
    """Propose for each of DfE's numbers the rules of ours that its message may be.

    Writes the review file: up to three choices a number, likeliest first, and none confirmed but
    those already known. Where DfE's severity is another than ours, new_severity proposes it. Gives
    how many numbers were read, how many have a choice, and how many rows had no number.

    Raises InputError when no table of the workbook has numbers and messages, or the review exists,
    since someone may have worked in it.
    """
    if review.exists():
        raise InputError(f"{review}: is there already. Move it away, or give --out another file.")
    tables = [
        table for table in headed_table.read(path, HEADINGS, "number") if "message" in table.columns
    ]
    if not tables:
        raise InputError(
            f"{path}: has no column for the rule's message beside its number. Give it a heading,"
            f" one of: {', '.join(HEADINGS['message'])}."
        )
    found, without = _numbers(tables)
    if not found:
        raise InputError(f"{path}: no row below the headings begins a rule: none has a number.")
    kept = {
        (number_of(row["dfe_number"]), row["rule_id"]): row["confirmed_by"]
        for row in rule_numbers.read_local(local)
    }
    lines = [line for number in sorted(found, key=order) for line in _choices(found[number], year)]
    for line in lines:
        line["confirmed_by"] = kept.get((line["dfe_number"], line["rule_id"]), "")
    _write(review, REVIEW, lines)
    proposed = {line["dfe_number"] for line in lines if line["rule_id"]}
    return len(found), len(proposed), without


def _numbers(tables: Iterable[HeadedTable]) -> tuple[dict[str, spec.Row], int]:
    """DfE's rules by number, the first row of each; and the number of rows without one."""
    found: dict[str, spec.Row] = {}
    without = 0
    for table in tables:
        for row, cells in table.rows:
            number = number_of(table.cell(cells, "number"))
            if not number:
                without += 1
                continue
            found.setdefault(
                number,
                {
                    "dfe_number": number,
                    "dfe_severity": table.cell(cells, "severity"),
                    "dfe_message": " ".join(table.cell(cells, "message").split()),
                    "items": table.cell(cells, "items"),
                    "source": f"{table.place}, row {row}",
                },
            )
    return found, without


def _choices(theirs: spec.Row, year: int) -> Iterable[spec.Row]:
    """The review's lines of one number: a line a choice, or one that says there is none."""
    ours = {row["rule_id"]: row for row in spec.in_force("rules", year)}
    line = {name: theirs.get(name, "") for name in REVIEW}
    matches = rule_numbers.likely_rules(
        theirs["dfe_message"], theirs["dfe_severity"], theirs["items"], year
    )
    if not matches:
        yield line | {"choice": "1", "reason": rule_numbers.NO_MATCH}
    for choice, match in enumerate(matches, start=1):
        rule = ours[match.rule_id]
        yield line | {
            "choice": str(choice),
            "rule_id": match.rule_id,
            "our_severity": rule["severity"],
            "new_severity": _other_severity(theirs["dfe_severity"], rule["severity"]),
            "our_message": rule["message"],
            "score": f"{match.score:.3f}",
            "reason": match.reason,
        }


def _other_severity(theirs: str, ours: str) -> str:
    """DfE's severity in our word for it, when it says another than ours."""
    words = theirs.lower()
    meant = (
        "query" if "quer" in words else "load_reject" if "reject" in words
        else "error" if "error" in words else ours
    )  # fmt: skip
    return meant if meant != ours else ""


def apply_dfe(review: Path, local: Path) -> Kept:
    """Take the confirmed lines of a review file into the authority's numbers and severities.

    A line is confirmed by a name in confirmed_by; its rule_id may have been changed, and what
    new_severity says then is the rule's severity from the next build, in rule_severities.csv beside
    the numbers. Lines kept before stay, unless the review has the same number and rule, or the
    severity of the same rule.

    Raises InputError that names the row of what is wrong, and then nothing is written.
    """
    ids = {row["rule_id"] for row in spec.seed("rules")}
    confirmed: dict[tuple[str, str], spec.Row] = {}
    changed: dict[str, spec.Row] = {}
    for row, line in enumerate(_read_review(review), start=2):
        if not line["confirmed_by"].strip():
            continue
        number, rule_id = number_of(line["dfe_number"]), line["rule_id"].strip().upper()
        if not number:
            raise InputError(f"{review}, row {row}: dfe_number is not a rule's number.")
        if rule_id not in ids:
            raise InputError(
                f"{review}, row {row}: rule_id is not a rule of ours. Give one of"
                " seeds/spec/rules.csv, or take the name out of confirmed_by."
            )
        confirmed[number, rule_id] = {
            "dfe_number": number,
            "rule_id": rule_id,
            "dfe_message": line["dfe_message"].strip(),
            "confirmed_by": line["confirmed_by"].strip(),
        }
        if severity := line["new_severity"].strip().lower():
            _check_severity(f"{review}, row {row}", severity, line["confirmed_on"].strip())
            graver = changed.get(rule_id, {"severity": severity})["severity"]
            if WORST_FIRST.index(severity) <= WORST_FIRST.index(graver):
                changed[rule_id] = {
                    "rule_id": rule_id,
                    "severity": severity,
                    "reason": f"DfE's rule {number} has this severity",
                    "author": line["confirmed_by"].strip(),
                    "date": line["confirmed_on"].strip(),
                }
    kept = rule_numbers.read_local(local)
    lines = {(row["dfe_number"], row["rule_id"]): row for row in kept} | confirmed
    ordered = sorted(lines.values(), key=lambda row: (order(row["dfe_number"]), row["rule_id"]))
    if changed:
        beside = local.with_name("rule_severities.csv")
        before = rule_numbers.read_local(beside, SEVERITY_COLUMNS)
        severities = {row["rule_id"]: row for row in before} | changed
        _write(beside, SEVERITY_COLUMNS, [severities[rule_id] for rule_id in sorted(severities)])
    _write(local, COLUMNS, ordered)
    return Kept(len(confirmed), len(ordered), len(changed))


def _check_severity(place: str, severity: str, day: str) -> None:
    if severity not in WORST_FIRST:
        raise InputError(
            f"{place}: new_severity is not a severity. Give {', '.join(WORST_FIRST[:-1])} or"
            f" {WORST_FIRST[-1]}, or nothing to keep ours."
        )
    try:
        date.fromisoformat(day)
    except ValueError:
        raise InputError(
            f"{place}: confirmed_on is not a day. A severity is kept with the day it was changed:"
            " write it as year-month-day, or clear new_severity to keep ours."
        ) from None


def _read_review(path: Path) -> list[spec.Row]:
    """The lines of a review file; one that cannot be read or lacks a column is an input error."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            lines = [
                {name: spreadsheet.unguarded(line.get(name) or "") for name in REVIEW}
                for line in reader
            ]
            headings = reader.fieldnames or []
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: is not a CSV file of UTF-8 text.") from None
    if missing := [name for name in COLUMNS if name not in headings]:
        raise InputError(f"{path}: has no column {', '.join(missing)}. Give the whole review file.")
    return lines


def _write(path: Path, columns: Sequence[str], lines: Iterable[spec.Row]) -> None:
    """Write a CSV file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        with made.open("w", encoding="utf-8", newline="") as file:
            writer = spreadsheet.Writer(file)
            writer.row(columns)
            writer.rows([line[column] for column in columns] for line in lines)
        made.replace(path)
