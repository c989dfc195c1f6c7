"""Charts as SVG that grows and shrinks with the page and keeps its text at the size of the text.

Lengths across are percentages and heights are pixels, so one drawing serves a telephone and a
printed page; colours and sizes of text are in page.css. Each chart has one colour for its subject
and grey for what it is compared with, and every mark has its number beside it: no legend is needed.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

BAR, THIN, LABEL, GAP = 22, 12, 22, 12
"""Heights in pixels: a bar, one it is compared with, the words above it, the space below."""
NARROW, LETTER = 300, 9
"""Pixels: the narrowest chart that must hold its numbers, and the width of a letter of them."""
COLUMNS, UNDER, OVER = 150, 26, 22
"""Heights in pixels of the tallest column, of the words under it and of the number over it."""
LINES, NAMES = 190, 40
"""Heights in pixels of a chart of lines, and of the two lines of words at the end of each."""


class Bar(NamedTuple):
    """A bar: its length in the unit of the chart, None when withheld or unknown, and its number."""

    value: float | None
    text: str
    words: str = ""
    is_subject: bool = True


class Point(NamedTuple):
    """A column, or a point of a line: what stands under it, its height and its number."""

    under: str
    value: float | None
    text: str


def _svg(name: str, height: float, marks: Sequence[str], kind: str) -> str:
    return (
        f'<svg class="chart {kind}" role="img" aria-label="{escape(name)}" width="100%"'
        f' height="{height:g}" focusable="false">{"".join(marks)}</svg>'
    )


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.2f}%" y="{y:g}" width="{width:.2f}%" height="{height:g}"/>'


def _text(x: float, y: float, words: str, kind: str, *, shift: int = 0) -> str:
    moved = f' dx="{shift}"' if shift else ""
    return f'<text class="{kind}" x="{x:.2f}%" y="{y:g}"{moved}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.2f}%" y1="{y1:g}" x2="{x2:.2f}%" y2="{y2:g}"/>'


def bars(name: str, rows: Sequence[tuple[str, Sequence[Bar]]], most: float | None = None) -> str:
    """Bars across, each row's words above its bars; `most` is the value of the longest possible."""
    values = [bar.value for _, group in rows for bar in group if bar.value is not None]
    scale = most if most is not None else max(values, default=0.0)
    letters = max((len(_number(bar)) for _, group in rows for bar in group), default=0)
    widest = 100 - 100 * (letters * LETTER + 8) / NARROW
    marks: list[str] = []
    top = 0.0
    for words, group in rows:
        marks.append(_text(0, top + 16, words, "label"))
        top += LABEL
        tall = sum((BAR if bar.is_subject else THIN) + 3 for bar in group) - 3
        marks.append(_line(0, top, 0, top + tall, "axis"))
        for bar in group:
            height = BAR if bar.is_subject else THIN
            length = widest * bar.value / scale if bar.value and scale else 0.0
            if length:
                marks.append(_rect(0, top, length, height, "bar" if bar.is_subject else "other"))
            kind = "number" if bar.is_subject else "number small"
            marks.append(_text(length, top + height / 2 + 5, _number(bar), kind, shift=6))
            top += height + 3
        top += GAP
    return _svg(name, top, marks, "bars")


def _number(bar: Bar) -> str:
    return f"{bar.text} {bar.words}".strip()


def columns(name: str, points: Sequence[Point], limit: tuple[int, str] | None = None) -> str:
    """Columns upright; `limit` draws a line after so many columns, with its words.

    The words under a column stand under its middle; of a histogram (`limit` given) under its end.
    """
    most = max((point.value for point in points if point.value is not None), default=0.0)
    width = 100 / max(len(points), 1)
    head = OVER + (22 if limit else 0)
    floor = head + COLUMNS
    marks = [_line(0, floor, 100, floor, "axis")]
    for place, point in enumerate(points):
        height = COLUMNS * point.value / most if point.value and most else 0.0
        left, middle = place * width, (place + 0.5) * width
        if height:
            is_late = limit is not None and place >= limit[0]
            marks.append(
                _rect(left + width * 0.1, floor - height, width * 0.8, height,
                      "bar late" if is_late else "bar")
            )  # fmt: skip
        marks.append(_text(middle, floor - height - 6, point.text, "over"))
        if point.under:
            end = left + width if limit else middle
            marks.append(_text(end, floor + 18, point.under, "under"))
    if limit:
        after, words = limit
        marks.append(_line(after * width, 20, after * width, floor, "limit"))
        marks.append(_text(after * width, 14, words, "limit-words", shift=-4))
    return _svg(name, floor + UNDER, marks, "columns")


def lines(
    name: str,
    unders: Sequence[str],
    series: Sequence[tuple[str, Sequence[Point]]],
    most: float,
    unit: str = "",
) -> str:
    """Lines over time, the first the subject; the name of each stands at its last number."""
    left, right = 3.0, 70.0
    floor = 20.0 + LINES
    most = _round_up(most)
    step = (right - left) / max(len(unders) - 1, 1)

    def at(value: float) -> float:
        return floor - LINES * value / most if most else floor

    marks = [_line(0, floor, right + 2, floor, "axis")]
    for share in (0.5, 1.0) if most else ():
        marks.append(_line(0, at(most * share), right + 2, at(most * share), "grid"))
        marks.append(_text(0, at(most * share) - 4, f"{most * share:,.0f}{unit}", "under start"))
    for place, under in enumerate(unders):
        anchor = "under start" if place == 0 else "under"
        marks.append(_text(left + place * step if place else 0, floor + 18, under, anchor))
    ends: list[tuple[float, str, str, str]] = []
    for nth, (title, points) in enumerate(series):
        kind = "subject" if nth == 0 else f"other{nth}"
        before: tuple[float, float] | None = None
        last = None
        for place, point in enumerate(points):
            if point.value is None:
                before = None
                continue
            here = (left + place * step, at(point.value))
            if before:
                marks.append(_line(*before, *here, f"line {kind}"))
            marks.append(
                f'<circle class="dot {kind}" cx="{here[0]:.2f}%" cy="{here[1]:.1f}" r="4"/>'
            )
            before = here
            last = (here[1], title, point.text, kind)
        if last:
            ends.append(last)
    for (_, title, number, kind), y in zip(sorted(ends), _apart(ends, floor), strict=True):
        marks.append(_text(right, y, title, f"end {kind}", shift=10))
        marks.append(_text(right, y + 17, number, f"end {kind}", shift=10))
    return _svg(name, floor + UNDER, marks, "lines")


def _apart(ends: Sequence[tuple[float, str, str, str]], floor: float) -> list[float]:
    """Where the two-line names of the lines stand: near their ends, apart, and above the axis."""
    places: list[float] = []
    for y, *_ in sorted(ends):
        places.append(max(y, places[-1] + NAMES if places else y))
    lowest = floor - NAMES / 2
    for place in range(len(places) - 1, -1, -1):
        places[place] = min(places[place], lowest)
        lowest = places[place] - NAMES
    return places


def _round_up(most: float) -> float:
    """The next of 2, 4, 6, 8, 10 times a power of ten, so that half of it is round too."""
    power = 2.0
    while power * 5 < most:
        power *= 10
    return next((power * step for step in range(1, 6) if power * step >= most), most)
