"""What a comparison of two returns found."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Side:
    """A return that is compared: its name, its year, its survey day."""

    return_id: str
    year: int
    survey_day: date

    def __str__(self) -> str:
        """The return in words."""
        return f"{self.return_id} of {self.year}, as at {self.survey_day}"


@dataclass(frozen=True)
class Count:
    """How many there are of a kind: people of either return, or changes of people in both."""

    kind: str
    subject: str
    label: str
    meaning: str
    earlier: int
    later: int
    changes: int
    to_check: bool


@dataclass(frozen=True)
class Comparison:
    """Two returns, and what differs in numbers. No value of a person's record."""

    earlier: Side
    later: Side
    counts: list[Count]
    doubts: int
    figures: int
    different_figures: int

    def of(self, subject: str) -> list[Count]:
        """The counts of people, or of changes of people in both."""
        return [count for count in self.counts if count.subject == subject]
