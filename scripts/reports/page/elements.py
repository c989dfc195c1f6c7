"""What the page is made of: charts and tables, each with its words, as the template takes them."""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ...ground.spreadsheet import Writer
from .dfe_figures import Published, period_words
from .return_facts import Facts
from .shown_values import UNKNOWN, WITHHELD, SafeCounts, Value
from .small_numbers import Sum

Cell = str | Value


@dataclass(frozen=True)
class Table:
    """A table: headings, rows, and which columns may be filtered by; the first names the row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    filters: Sequence[str] = ()

    @property
    def marks(self) -> list[str]:
        """What the marks in the table mean, for those that stand in it."""
        texts = {cell.text for row in self.rows for cell in row if isinstance(cell, Value)}
        meanings = {
            WITHHELD: "[c] withheld, a small number or one that would give a small number away",
            UNKNOWN: "[x] not known",
            "[z]": "[z] does not apply",
        }
        return [meaning for mark, meaning in meanings.items() if mark in texts]

    @property
    def csv(self) -> str:
        """The table as a data: address of a CSV file, numbers unrounded."""
        text = io.StringIO()
        writer = Writer(text, "\r\n")
        writer.row(self.columns)
        writer.rows([_plain(cell) for cell in row] for row in self.rows)
        return "data:text/csv;charset=utf-8;base64," + b64encode(
            b"\xef\xbb\xbf" + text.getvalue().encode()
        ).decode("ascii")


def _plain(cell: Cell) -> str | float:
    """A cell's words, or its number with ten digits, whole ones without a point."""
    if isinstance(cell, str):
        return cell
    if cell.number is None:
        return cell.text
    return int(cell.number) if cell.number == int(cell.number) else float(f"{cell.number:.10g}")


@dataclass(frozen=True)
class Chart:
    """A chart with its title, what it measures, its words for who cannot see it, and its table."""

    key: str
    title: str
    measure: str
    words: str
    table: Table
    definition: str
    source: str
    drawing: str = ""
    panels: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Section:
    """A heading with its charts, and a word before them."""

    key: str
    title: str
    charts: Sequence[Chart]
    lead: str = ""


@dataclass(frozen=True)
class Sources:
    """All that a section is written from."""

    facts: Facts
    shown: SafeCounts
    sums: list[Sum]
    published: Published
    similar: list[str] = field(default_factory=list)
    similar_are: str = ""
    """Which authorities the similar ones are, in words."""
    region: str = ""
    region_code: str = ""
    has_files: bool = False
    is_to_share: bool = False
    """Whether the page may leave the authority: small numbers are withheld, and what tells them."""

    @property
    def own(self) -> str:
        """Where the authority's own figures come from."""
        return f"This return, as at {day(self.facts.as_at)}"

    def period(self, dataset: str) -> str:
        """The period of the return's own figure, in words."""
        return period_words(self.facts.periods.get(dataset, ""))


def day(value: date) -> str:
    """A day as people write it."""
    return f"{value.day} {value:%B %Y}"


def month(value: str) -> str:
    """2025-03 as Mar."""
    return date(int(value[:4]), int(value[5:]), 1).strftime("%b")


def extremes(rows: Sequence[tuple[str, Value]]) -> str:
    """The largest and the smallest of some values, in a sentence."""
    known: list[tuple[float, str, str]] = [
        (value.number, label, value.text) for label, value in rows if value.number is not None
    ]
    if not known:
        return "No value can be shown."
    most, least = max(known, key=_first), min(known, key=_first)
    if most[0] == least[0]:
        return f"Every value that can be shown is {most[2]}."
    hidden = sum(value.text == WITHHELD for _, value in rows)
    words = f"The largest is {most[1]}, {most[2]}; the smallest shown is {least[1]}, {least[2]}."
    return words + (f" {hidden} withheld." if hidden else "")


def _first(row: tuple[Any, ...]) -> Any:
    return row[0]
