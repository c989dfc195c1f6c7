"""Small numbers: which counts a page withholds so that none can be read, or worked out, from it.

A count from 1 to below the threshold is withheld. Where a shown total would give a withheld count
away, the next smallest count beside it is withheld too, until each withheld one could be anything
from 1 to at least the threshold; or, for counts of faults, until none can be worked out exactly.
Then all sums of the page are weighed together by linear programming, as somebody who has the page
would: while they leave a withheld count one possible value, another count goes.

What another page says, of another day for instance, is not weighed.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

Key = Hashable
NEARLY = 1e-6
"""What a computed bound may be off by."""


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
    safe: set[Key] = set()
    while True:
        _hide_beside(hidden, counts, known, threshold)
        told = exact(hidden, counts, known, safe)
        more = {_next_of(key, hidden, counts, known) for key in told} - {None}
        if not more:
            return hidden
        hidden |= more
        safe |= hidden - more - set(told)  # what else is withheld only leaves more open


def _hide_beside(
    hidden: set[Key], counts: Mapping[Key, int], known: Sequence[Sum], threshold: int
) -> None:
    """Withhold beside what is withheld until no sum alone tells anything."""
    changed = True
    while changed:
        changed = False
        for each in known:
            while more := _next(each, counts, hidden, threshold):
                hidden.add(more[0])
                changed = True


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


def _next_of(
    key: Key, hidden: set[Key], counts: Mapping[Key, int], known: Sequence[Sum]
) -> Key | None:
    """The smallest count that stands with `key` in a sum and is still shown, of the same sums."""
    reached, found = {key}, [key]
    while found:
        beside = {
            other
            for each in known
            if reached & (members := {each.whole, *each.parts}) and members & set(found)
            for other in members
        }
        shown = [other for other in beside if other not in hidden and counts.get(other, 0) > 0]
        if shown:
            return min(shown, key=lambda other: (counts[other], str(other)))
        found = [other for other in beside if other not in reached]
        reached |= beside
    return None


def exact(
    hidden: Set[Key], counts: Mapping[Key, int], known: Sequence[Sum], safe: Set[Key] = frozenset()
) -> list[Key]:
    """The withheld counts of which all sums together leave one possible whole number.

    Those in `safe` are known not to be.
    """
    found = []
    for keys, rows, totals in _groups(hidden, counts, known):
        true = np.array([counts[key] for key in keys], dtype=float)
        asked = [place for place, key in enumerate(keys) if key not in safe]
        found += [keys[place] for place in _fixed(asked, rows, totals, true)]
    return found


def _fixed(asked: list[int], rows: Any, totals: Any, true: Any) -> list[int]:
    """Of the places asked for, those where no solution is another whole number than the true one.

    Many are moved at once, up and down by turns, while that tells something; then each alone.
    """
    left = asked
    for length in (1, 2, 4, 8, 16):
        for sign in (1.0, -1.0):
            aim = np.zeros(len(true))
            aim[left] = [sign * (-1) ** (place // length) for place in range(len(left))]
            left = _unmoved(left, aim, rows, totals, true)
    for place in list(left):
        for sign in (1.0, -1.0):
            if place in left:
                aim = np.zeros(len(true))
                aim[place] = sign
                left = _unmoved(left, aim, rows, totals, true)
    return left


def _unmoved(left: list[int], aim: Any, rows: Any, totals: Any, true: Any) -> list[int]:
    """The places that the solution with the least of `aim` leaves nearer than 1 to the truth."""
    from scipy.optimize import linprog  # half a second, and most pages withhold nothing

    if not left:
        return left
    most = 2 * true.max() + 10
    solved = linprog(aim, A_eq=rows, b_eq=totals, bounds=(1, most), method="highs")
    if solved.status:
        return left
    return [place for place in left if abs(solved.x[place] - true[place]) < 1 - NEARLY]


def _groups(
    hidden: Set[Key], counts: Mapping[Key, int], known: Sequence[Sum]
) -> Iterator[tuple[list[Key], Any, Any]]:
    """Withheld counts that share sums: their keys, the sums' coefficients, what these add up to."""
    of_key: dict[Key, list[int]] = {}
    members = [
        [key for key in (each.whole, *each.parts) if key in hidden and counts.get(key, 0) > 0]
        for each in known
    ]
    for number, keys in enumerate(members):
        for key in keys:
            of_key.setdefault(key, []).append(number)
    left = sorted(of_key, key=str)
    seen: set[Key] = set()
    for first in left:
        if first in seen:
            continue
        group, numbers, new = [first], set(), [first]
        seen.add(first)
        while new:
            for number in of_key[new.pop()]:
                numbers.add(number)
                for key in members[number]:
                    if key not in seen:
                        seen.add(key)
                        group.append(key)
                        new.append(key)
        places = {key: place for place, key in enumerate(group)}
        rows = np.zeros((len(numbers), len(group)))
        totals = np.zeros(len(numbers))
        for line, number in enumerate(sorted(numbers)):
            each = known[number]
            for key, sign in ((each.whole, 1.0), *((part, -1.0) for part in each.parts)):
                if key in places:
                    rows[line, places[key]] += sign
                else:
                    totals[line] -= sign * counts.get(key, 0)
        yield group, rows, totals
