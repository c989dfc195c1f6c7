"""Where a file's header stands, and what its columns are called from then on."""

import unicodedata
from collections.abc import Sequence

from ..untrusted.parsers import NO_TEXT
from ..warehouse import PROVENANCE

SEARCHED_ROWS = 40


def fold(text: str) -> str:
    """A heading without what varies by hand: case, spaces, full-width and look-alike characters."""
    plain = unicodedata.normalize("NFKC", text).translate(LOOK_ALIKES)
    kept = "".join(
        each for each in plain if unicodedata.category(each) not in ("Cf", "Cc") or each in "\n\t"
    )
    return " ".join(kept.split()).casefold()


LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧ‐‑‒–—―−’‘ʼ“”",  # noqa: RUF001
    "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYX-------'''\"\"",
)
"""Cyrillic and Greek letters, dashes and quotes that look like plain ones, and those."""


def score(row: Sequence[str], wanted: set[str]) -> int:
    """How many of the wanted headings, folded, stand in a row."""
    return len({fold(cell) for cell in row} & wanted)


def find_row(rows: Sequence[Sequence[str]], wanted: set[str]) -> int | None:
    """The row, from 1, with the most of the wanted headings; none when no row has any."""
    scores = [score(row, wanted) for row in rows]
    best = max(scores, default=0)
    return scores.index(best) + 1 if best else None


def likely_row(rows: Sequence[Sequence[str]]) -> int | None:
    """The row, from 1, that looks most like headings, when nobody knows what to look for.

    It is the first that is as wide as the widest, with words in nearly every cell, all different.
    """
    widths = [sum(bool(cell.strip()) for cell in row) for row in rows]
    widest = max(widths, default=0)
    for number, (row, width) in enumerate(zip(rows, widths, strict=True), start=1):
        cells = [fold(cell) for cell in row if cell.strip()]
        words = [cell for cell in cells if any(letter.isalpha() for letter in cell)]
        if width and width >= 0.8 * widest and len(words) >= 0.9 * width:
            return number
    return None


def merge(rows: Sequence[Sequence[str]]) -> list[str]:
    """One heading a column of several header rows: the group, carried right, and the heading."""
    width = max(map(len, rows))
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    for row in padded[:-1]:
        for place in range(1, width):
            row[place] = row[place] if row[place].strip() else row[place - 1]
    return [
        " / ".join(dict.fromkeys(cell.strip() for cell in column if cell.strip()))
        for column in zip(*padded, strict=True)
    ]


def name_columns(header: Sequence[str], spellings: dict[str, str]) -> list[str]:
    """A name for every column, each its own: the mapping's spelling where it names the heading.

    `spellings` holds folded heading to spelling. A column without a heading is "column 7", the
    second of one heading "Date (2)".
    """
    names: list[str] = []
    taken = {name.lower() for name in PROVENANCE}
    for place, cell in enumerate(header, start=1):
        heading = " ".join(NO_TEXT.sub(" ", cell).split()) or f"column {place}"
        heading = spellings.get(fold(heading), heading)
        name, number = heading, 1
        while name.lower() in taken:
            number += 1
            name = spellings.get(fold(f"{heading} ({number})"), f"{heading} ({number})")
        taken.add(name.lower())
        names.append(name)
    return names
