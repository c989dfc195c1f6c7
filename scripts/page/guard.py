"""Small numbers: which counts a page withholds so that none can be read, or worked out, from it.

A count from 1 to below the threshold is withheld. Where a shown total would give a withheld count
away, the next smallest count beside it is withheld too, until each withheld one could be anything
from 1 to at least the threshold; or, for counts of faults, until none can be worked out exactly.
What several sums tell together, and what another page says, is not weighed.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple

Key = Hashable


class Sum(NamedTuple):
    """A count that the page shows and the counts that add up to it.

    `of_people` asks for room around each withheld count, rather than only that it is not exact.
    """

    whole: Key
    parts: tuple[Key, ...]
    of_people: bool = True


def withheld(counts: Mapping[Key, int], sums: Iterable[Sum], threshold: int) -> set[Key]:
    """The keys of the counts that may not be shown; none with a threshold of 1 or less."""
    if threshold <= 1:
        return set()
    hidden = {key for key, count in counts.items() if 0 < count < threshold}
    known = [each for each in sums if each.whole in counts]
    changed = True
    while changed:
        changed = False
        for each in known:
            while more := _next(each, counts, hidden, threshold):
                hidden.add(more[0])
                changed = True
    return hidden


def _next(each: Sum, counts: Mapping[Key, int], hidden: set[Key], threshold: int) -> list[Key]:
    """The count to withhold next so that a sum tells nothing; nothing when it already does not."""
    parts = [part for part in each.parts if counts.get(part, 0) > 0]
    within = [part for part in parts if part in hidden]
    shown = sorted((part for part in parts if part not in hidden), key=lambda part: counts[part])
    if each.whole in hidden:
        return shown[:1] if not within else []
    if not within:
        return []
    total = sum(counts[part] for part in within)
    room = total - len(within)  # above 1 each
    if each.of_people:
        is_safe = room >= threshold - 1
    else:
        is_safe = 0 < room < len(within) * (threshold - 2)
        is_safe |= any(counts[part] >= threshold for part in within)
    return [] if len(within) > 1 and is_safe else shown[:1] or [each.whole]
