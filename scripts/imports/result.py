"""What every form of a return shares: name, limits, faults, result."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..ground.errors import InputError
from ..spec.constants import BUILT

LONGEST_NAME = 60
LONGEST_TEXT = 10_000
"""Most characters of a value: the longest item, a setting in words, is a few hundred."""
MOST_OF_A_KIND = 25
"""Faults of one kind that are kept with their lines: more have one cause, the program's."""
MOST_KINDS = 200
STRUCTURE, OTHER_YEAR, WRONG_VALUE = "F01", "F02", "F04"
WHOLE = "the file"


@dataclass(frozen=True)
class ImportResult:
    """What was read of a file; `stopped_at` is the line from which on nothing could be."""

    return_id: str
    year: int
    person_count: int
    fault_count: int
    stopped_at: int | None


def return_name(path: Path) -> str:
    """The name of a file's return: the file's own, made of a to z, 0 to 9 and _ alone."""
    name = re.sub("[^a-z0-9]+", "_", path.stem.lower()).strip("_")[:LONGEST_NAME]
    if name == BUILT:
        raise InputError(
            f"{path}: rename the file; the name {BUILT} is kept for the return made from an"
            " extract."
        )
    return name or "file"


# What was found


class Faults:
    """The structure faults: the first of each kind with their lines, the others counted."""

    def __init__(self) -> None:
        """Nothing has been found yet."""
        self.count = 0
        self.kept: list[tuple[str, int | None, str, str | None, str]] = []
        self.kinds: dict[tuple[str, str, str], list[int]] = {}

    def add(
        self, rule_id: str, line: int, element: str, person_id: str | None, message: str
    ) -> None:
        """Keep a fault, or count it."""
        self.count += 1
        kind = (rule_id, element, message)
        if kind not in self.kinds and len(self.kinds) >= MOST_KINDS:
            kind = (rule_id, WHOLE, "has faults of other kinds")
        known = self.kinds.setdefault(kind, [0, 0])
        known[0] += 1
        known[1] = line
        if known[0] <= MOST_OF_A_KIND:
            self.kept.append((rule_id, line, element, person_id, message))

    def rows(self) -> list[tuple[str, int | None, str, str | None, str]]:
        """Each kept fault, and one for the others of a kind."""
        more = [
            (
                rule_id,
                last,
                element,
                None,
                f"{message}: {count - MOST_OF_A_KIND:,} more like it up to this line",
            )
            for (rule_id, element, message), (count, last) in self.kinds.items()
            if count > MOST_OF_A_KIND
        ]
        return [*self.kept, *more]
