"""Numbers as the page shows them, small ones withheld."""

from typing import Any, NamedTuple

from .counts import Counts
from .small_numbers import withheld

WITHHELD, UNKNOWN = "[c]", "[x]"
"""The marks of the Government Statistical Service: confidential, and not available."""


class Value(NamedTuple):
    """A number as the page shows it; `number` is None when it is withheld or not known."""

    number: float | None
    text: str


class SafeCounts:
    """The counts with small numbers withheld."""

    def __init__(self, counts: Counts, threshold: int) -> None:
        """Decide once for the whole page what is withheld."""
        self.counts = counts.of
        self.hidden = withheld(counts.of, counts.sums, threshold)
        self.threshold = threshold

    def count(self, *key: Any) -> Value:
        """A count, or the mark that stands for it."""
        if key not in self.counts:
            return Value(None, UNKNOWN)
        if key in self.hidden:
            return Value(None, WITHHELD)
        return Value(self.counts[key], f"{self.counts[key]:,}")

    def share(self, part: tuple[Any, ...], whole: tuple[Any, ...]) -> Value:
        """A part of its whole in percent; withheld when either, or what is left, is."""
        if part not in self.counts or whole not in self.counts:
            return Value(None, UNKNOWN)
        if not self.counts[whole]:
            return Value(None, "[z]")
        left = ("rest", whole, (part,))
        if {part, whole, left} & self.hidden:
            return Value(None, WITHHELD)
        return percent(100 * self.counts[part] / self.counts[whole])

    def guarded(self, number: float | None) -> Value:
        """A count that is not one of the page's own, an earlier run's for instance."""
        if number is None:
            return Value(None, UNKNOWN)
        if 0 < number < self.threshold:
            return Value(None, WITHHELD)
        return Value(number, f"{number:,.0f}")


def percent(share: float | None) -> Value:
    """A percentage with one decimal."""
    return Value(None, UNKNOWN) if share is None else Value(share, f"{share:.1f}%")


def rate(number: float | None) -> Value:
    """A rate per 1,000 people, with one decimal."""
    return Value(None, UNKNOWN) if number is None else Value(number, f"{number:.1f}")
