"""What the values of a column look like, in shares; the values themselves stay here.

`sen2 map` weighs a heading by it. Of a column up to 5,000 different values are looked at, the most
frequent first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb

from ...warehouse import quoted
from .. import headings
from ..mapping import codes, dates, feeds

MOST = 5_000
SHOWN_LEAST_ROWS, SHOWN_MOST_VALUES = 3, 40
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
UPN = re.compile(r"[A-Z]\d{11}[\dA-Z]")
POSTCODE = re.compile(r"[A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}")
WORDS = re.compile(r"[A-Za-z][A-Za-z /&',()-]*|[A-Za-z]{0,6}\d{0,3}")


def has_check_letter(text: str) -> bool:
    """Whether a text is a UPN whose check letter is right (weights 2 to 13, modulo 23)."""
    if not UPN.fullmatch(text):
        return False
    last = UPN_LETTERS.find(text[12])
    places = [*map(int, text[1:12]), int(text[12]) if text[12].isdigit() else last]
    return UPN_LETTERS[sum(w * n for w, n in enumerate(places, start=2)) % 23] == text[0]


def has_check_digit(text: str) -> bool:
    """Whether a text is a ULN whose check digit is right (weights 10 to 2, modulo 11)."""
    if not re.fullmatch(r"[1-9]\d{9}", text):
        return False
    rest = sum(w * int(n) for w, n in zip(range(10, 1, -1), text, strict=False)) % 11
    return rest != 0 and int(text[9]) == 10 - rest


FORMS: dict[str, tuple[Callable[[str], bool], str]] = {
    "upn": (has_check_letter, "have the check letter of a UPN"),
    "uln": (has_check_digit, "have the check digit of a ULN"),
    "postcode": (lambda text: bool(POSTCODE.fullmatch(text.upper())), "have a postcode's form"),
    "urn": (lambda text: bool(re.fullmatch(r"\d{6}", text)), "are numbers of six digits"),
    "ukprn": (lambda text: bool(re.fullmatch(r"1\d{7}", text)), "are numbers of eight digits"),
}
"""Columns that have a form of their own: how a value shows it, and how a reason says so."""


@dataclass(frozen=True)
class Profile:
    """One column of a file: how many rows fill it, with how many values, and which, with counts.

    `days` has for each date format the share of values it reads.
    """

    filled: int
    distinct: int
    counts: dict[str, int] = field(repr=False)
    days: dict[str, float]

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.filled == self.distinct

    @property
    def date_share(self) -> float:
        """The share of values that are dates in some format."""
        return max(self.days.values(), default=0.0)

    def share(self, holds: Callable[[str], bool]) -> float:
        """The share of the filled rows whose value is so."""
        looked_at = sum(self.counts.values())
        return sum(n for v, n in self.counts.items() if holds(v)) / looked_at if looked_at else 0.0

    def shown(self) -> list[tuple[str, int]]:
        """Values that may be shown, with counts: words that stand in rows enough to be codes."""
        if self.distinct > SHOWN_MOST_VALUES:
            return []
        return [
            (value, rows)
            for value, rows in self.counts.items()
            if rows >= SHOWN_LEAST_ROWS and WORDS.fullmatch(value) and len(value) <= codes.LONGEST
        ]


def of_table(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> dict:
    """Every column of a table of text by name, profiled."""
    return {name: _of_column(connection, table, name) for name in columns}


def _of_column(connection: duckdb.DuckDBPyConnection, table: str, name: str) -> Profile:
    clean = f"regexp_replace({quoted(name)}, '{feeds.CLEAN}', '', 'g')"
    connection.execute(
        "create or replace temp table values_of as"
        f" select nullif({clean}, '') as value, count(*) as rows from {table}"
        f" where nullif({clean}, '') is not null group by all"
    )
    found = connection.execute(
        "select coalesce(sum(rows), 0)::bigint, count(*) from values_of"
    ).fetchone()
    filled, distinct = found or (0, 0)
    counts = connection.execute(
        f"select value, rows from values_of order by rows desc, value limit {MOST}"
    ).fetchall()
    return Profile(filled, distinct, dict(counts), _days(connection) if filled else {})


def _days(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """The formats that read some of the values, with their shares, the best first."""
    names = [*dates.FORMATS, dates.EXCEL]
    shares = ", ".join(
        f"count({dates.read('value', [name])}) / count(*)"
        if name != dates.EXCEL
        else "count(*) filter (try_cast(value as double) between 30000 and 60000"
        f" and regexp_full_match(value, '{dates.EXCEL_SERIAL}')) / count(*)"
        for name in names
    )
    row = connection.execute(
        f"select {shares} from (select value from values_of order by rows desc, value limit {MOST})"
    ).fetchone()
    found = dict(zip(names, row or (), strict=True))
    return {n: s for n, s in sorted(found.items(), key=lambda each: -each[1]) if s > 0}


def known_share(profile: Profile, listed: codes.CodeList) -> tuple[float, bool]:
    """The share of the rows whose value is a code or its label, and whether labels were needed."""
    spelt = {headings.fold(code) for code in listed.labels}
    labels = {headings.fold(label) for label in listed.labels.values()}
    known = profile.share(lambda value: headings.fold(value) in spelt | labels)
    by_label = profile.share(lambda value: headings.fold(value) in labels - spelt)
    return known, by_label > 0
