"""The page to share, attacked: no withheld count can be worked out from all that it shows.

The attacker has the page, knows which counts add up to which, and has a solver of linear
programmes. What the page shows in an order that falls with the counts tells him that the withheld
ones fall, too.
"""

import base64
import csv
import io
import itertools
import re
from collections.abc import Hashable, Iterable, Iterator, Set
from html.parser import HTMLParser
from math import ceil

import numpy as np
import pytest
from scipy.optimize import linprog

from sen2 import spec
from sen2.reports.page import counts, return_facts, write_page
from sen2.reports.page.counts import SAME_CASES, Counts, weigh_same_cases
from sen2.reports.page.dfe_figures import figures_of
from sen2.reports.page.issues import LIKELY
from sen2.reports.page.return_facts import Facts
from sen2.reports.page.shown_values import SafeCounts
from sen2.reports.page.small_numbers import Sum, exact, withheld
from sen2.reports.page.write import PAGE, TO_SHARE
from sen2.sample import write_sample
from sen2.settings.config import Job, read_config
from sen2.spec.constants import MODULES, WORST_FIRST
from sen2.warehouse import connect

from .conftest import YEAR, once, shared
from .extracts import build_extract

LINK = re.compile(r'download="([^"]+)\.csv" href="data:text/csv;charset=utf-8;base64,([^"]+)"')
SAMPLES = [(plans, seed, faults) for seed, (plans, faults) in enumerate(
    [(40, 0.3), (60, 0.3), (60, 0.0), (80, 0.2), (80, 0.5), (120, 0.1), (120, 0.4), (160, 0.3),
     (200, 0.05), (300, 0.3)], start=1,
)]  # fmt: skip
pytestmark = pytest.mark.slow
Key = Hashable
Order = list[tuple[Key, Key]]
"""Pairs of which the first is at least the second."""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> list[Job]:
    """Ten samples, each built with both pages of it; the test workers share the work."""
    folder = shared(tmp_path_factory) / "attacked"
    config = read_config(spec.PROJECT / "sen2.yml")
    found = [
        Job(YEAR, config, folder / str(number) / "sen2.duckdb", folder / str(number) / "out")
        for number, _ in enumerate(SAMPLES)
    ]
    each = list(zip(found, SAMPLES, strict=True))
    for job, (plans, seed, faults) in each if worker_id in ("master", "gw0") else each[::-1]:
        extract = job.warehouse.parent / "extract"
        with once(extract.parent, "made") as is_first:
            if is_first:
                write_sample(extract, YEAR, plans, seed, faults)
                build_extract(extract, YEAR, job.warehouse)
                write_page(job)
    return found


class Cells(HTMLParser):
    """The text of the cells of every table of a page, row by row, by the table's id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._is_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows = self.tables.setdefault(str(dict(attrs).get("id")), [])
        elif tag == "tr":
            self._rows.append([])
        self._is_cell = tag in ("td", "th")
        if self._is_cell and self._rows:
            self._rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self._is_cell and self._rows and self._rows[-1]:
            self._rows[-1][-1] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = False


def downloads(html: str) -> dict[str, list[list[str]]]:
    return {
        name: list(csv.reader(io.StringIO(base64.b64decode(data).decode("utf-8-sig"))))[1:]
        for name, data in LINK.findall(html)
    }


def ordered(counts: Counts, cells: list[tuple[Key, str]]) -> Order:
    """What the order of a column tells: nothing, unless all numbers fall, also those withheld."""
    shown = [text for _, text in cells if re.fullmatch(r"[\d.]+", text)]
    numbers = [counts.of[key] for key, _ in cells]
    if len(shown) < 2 or numbers != sorted(numbers, reverse=True):
        return []
    return [(first, second) for (first, _), (second, _) in itertools.pairwise(cells)]


def orders(html: str, counts: Counts) -> Order:
    """The pairs that the page's tables tell by their order, severity by severity."""
    tables, found = downloads(html), []
    names = {name: module for module, name in MODULES.items()}
    for severity, kind in (("Error", "error"), ("Query", "query")):
        rows = [row for row in tables["rules"] if row[1].startswith(severity)]
        for column in {row[1] for row in rows}:
            found += ordered(
                counts,
                [(("issues", "rule", row[0], kind), row[5]) for row in rows if row[1] == column],
            )
        place = 1 if kind == "error" else 2
        modules = [(("issues", "module", names[row[0]], kind), row[place])
                   for row in tables["modules"]]  # fmt: skip
        found += ordered(counts, [cell for cell in modules if cell[0] in counts.of])
    for chart in ("needs", "ceased"):
        keys = {each.label: ("published", each.dataset, each.part) for each in figures_of(chart)}
        found += ordered(
            counts, [(keys[row[0]], row[1]) for row in tables[chart] if row[0] in keys]
        )
    return found


def worked_out(counts: Counts, hidden: Set[Key], order: Order) -> dict[Key, int]:
    """The withheld counts that an attacker knows for certain, with their values.

    He asks for the least and the most that each can be. A solution that has another value than the
    true one is enough to see that he does not know it, and serves for other counts too.
    """
    keys = sorted((key for key in hidden if counts.of.get(key, 0) > 0), key=str)
    places = {key: place for place, key in enumerate(keys)}
    true = np.array([counts.of[key] for key in keys], dtype=float)

    def lines(pairs: Iterable[list[tuple[Key, float]]]) -> tuple[list[np.ndarray], list[float]]:
        """Coefficients of what is withheld, and what is known, on the other side."""
        found = []
        for pair in pairs:
            line, total = np.zeros(len(keys)), 0.0
            for key, sign in pair:
                if key in places:
                    line[places[key]] += sign
                else:
                    total -= sign * counts.of.get(key, 0)
            if line.any():
                found.append((line, total))
        return [line for line, _ in found], [total for _, total in found]

    equal, totals = lines(
        [(each.whole, 1.0), *((part, -1.0) for part in each.parts)] for each in counts.sums
    )
    falls, limits = lines([(second, 1.0), (first, -1.0)] for first, second in order)
    found = {}
    is_open = np.zeros(len(keys), dtype=bool)
    for key, place in places.items():
        ends = []
        for sign in (1.0, -1.0):
            if is_open[place]:
                break
            aim = np.zeros(len(keys))
            aim[place] = sign
            solved = linprog(
                aim, falls or None, limits or None, equal or None, totals or None, (1, None),
                method="highs",
            )  # fmt: skip
            assert solved.status in (0, 3)  # solved, or without bound
            if solved.status:
                is_open[place] = True
            else:
                ends.append(solved.x[place])
                is_open |= abs(solved.x - true) > 1 - 1e-6
        if not is_open[place]:
            found[key] = ceil(min(ends) - 1e-6)
    return found


def facts_of(job: Job) -> Facts:
    with connect(job.warehouse, read_only=True) as connection:
        return return_facts.read_facts(connection, job.year)


def counts_of(job: Job) -> Counts:
    with connect(job.warehouse, read_only=True) as connection:
        return counts.read_counts(connection, return_facts.read_facts(connection, job.year))


@pytest.mark.long
def test_no_withheld_count_can_be_worked_out(jobs: list[Job]) -> None:
    cells = 0
    for job in jobs:
        html = (job.out / TO_SHARE).read_text(encoding="utf-8")
        counts = counts_of(job)
        hidden = SafeCounts(counts, job.config.small_numbers).hidden
        cells += sum(counts.of[key] > 0 for key in hidden)
        counts.sums += [Sum(clock, (rule,)) for clock, rule in SAME_CASES if clock in counts.of]
        assert worked_out(counts, hidden, orders(html, counts)) == {}
    assert cells > 500


def test_whatever_counts_add_up_to_in_every_sample_is_weighed(jobs: list[Job]) -> None:
    """Who has several pages can see which counts are the same, or add up, on each of them."""
    found = [counts_of(job) for job in jobs]
    hidden = {
        key
        for job, counts in zip(jobs, found, strict=True)
        for key in SafeCounts(counts, job.config.small_numbers).hidden
    }
    sums = {(each.whole, each.parts) for counts in found for each in counts.sums}
    names = {key for counts in found for key in counts.of} | {
        key for whole, parts in sums for key in (whole, *parts)
    }
    values = {key: tuple(counts.of.get(key, 0) for counts in found) for key in names}
    places = {key: place for place, key in enumerate(sorted(names, key=str)) if any(values[key])}

    def line(whole: Key, parts: Iterable[Key]) -> np.ndarray:
        coefficients = np.zeros(len(names))
        for key, sign in ((whole, 1), *((part, -1) for part in parts)):
            if key in places:
                coefficients[places[key]] += sign
        return coefficients

    _, lengths, rows = np.linalg.svd([line(*each) for each in sums], full_matrices=False)
    weighed = rows[lengths > 1e-9]
    telling = [
        key for key in places if len(set(values[key])) > 3 and np.count_nonzero(values[key]) > 5
    ]
    by_values: dict[tuple[int, ...], list[Key]] = {}
    for key in telling:
        by_values.setdefault(values[key], []).append(key)
    relations = [
        (one, (other,))
        for same in by_values.values()
        for one, other in itertools.combinations(same, 2)
    ]
    for one, other in itertools.combinations(telling, 2):
        together = tuple(map(sum, zip(values[one], values[other], strict=True)))
        relations += [(whole, (one, other)) for whole in by_values.get(together, [])]
    open_ones = [
        (whole, parts)
        for whole, parts in relations
        if hidden & {whole, *parts}
        and np.linalg.norm(line(whole, parts) - weighed.T @ (weighed @ line(whole, parts))) > 1e-6
    ]
    assert len(relations) > 50
    assert open_ones == []


def test_the_attack_is_one(jobs: list[Job]) -> None:
    """It finds counts where rules stand by how much they found, and where a sum is forgotten."""
    counts = counts_of(jobs[-1])
    hidden = SafeCounts(counts, 5).hidden
    by_count = sorted(
        (key for key in counts.of if key[:2] == ("issues", "rule") and counts.of[key]),
        key=lambda key: (key[3], -counts.of[key], str(key)),
    )
    order = [(one, two) for one, two in itertools.pairwise(by_count)
             if one[3] == two[3]]  # fmt: skip
    found = worked_out(counts, hidden, order)
    assert found
    assert all(counts.of[key] == value for key, value in found.items())
    alone = {key for key, count in counts.of.items() if 0 < count < 5}
    assert worked_out(counts, alone, [])


def test_what_the_page_to_share_shows_is_what_the_guard_lets_through(jobs: list[Job]) -> None:
    """Every number of its tables is shown by the guard's leave; nothing else stands in them."""
    for job in jobs[::3]:
        html = (job.out / TO_SHARE).read_text(encoding="utf-8")
        counts = counts_of(job)
        shown = SafeCounts(counts, job.config.small_numbers)
        rules = {row[0]: row for row in downloads(html)["rules"]}
        for key in counts.of:
            if key[:2] == ("issues", "rule") and counts.of[key]:
                assert rules[key[2]][5] == shown.count(*key).text.replace(",", "")
        teams = Cells(html).tables["teams-table"]
        assert teams[0] == ["Team", "Errors", "Queries", "Without a note"]
        for team, *texts in teams[1:]:
            keys = (("issues", "team", team, "error"), ("issues", "team", team, "query"),
                    ("queries", "team", team, "no note"))  # fmt: skip
            assert texts == [shown.count(*key).text for key in keys]
        assert not set(Cells(html).tables) & {"runs-table"}
        severity = {rule["rule_id"]: rule["severity"] for rule in facts_of(job).rules}
        order = [(WORST_FIRST.index(severity[row[0]]), row[1] != LIKELY, row[0])
                 for row in downloads(html)["rules"]]  # fmt: skip
        assert order == sorted(order)
        assert "Begin with" not in html


def test_the_page_for_inside_is_exact_and_says_so(jobs: list[Job]) -> None:
    job = jobs[1]
    html = (job.out / PAGE).read_text(encoding="utf-8")
    assert "For inside the authority." in html
    assert "[c]" not in html
    assert "Begin with" in html
    counts = counts_of(job)
    rules = {row[0]: row[5] for row in downloads(html)["rules"]}
    assert {
        key[2]: str(count)
        for key, count in counts.of.items()
        if key[:2] == ("issues", "rule") and count
    }.items() <= rules.items()
    assert "For inside the authority." not in (job.out / TO_SHARE).read_text(encoding="utf-8")


def test_a_rule_is_weighed_with_the_clock_that_counts_the_same() -> None:
    """A withheld rule stands in the table of clocks: what it adds up with is withheld no less."""
    for clock, rule in SAME_CASES[:3]:
        team, other = ("issues", "team", "A", "query"), ("issues", "rule", "A13", "query")
        counts = Counts({clock: 6, rule: 6, other: 3, team: 9, ("issues", "all", "query"): 40})
        counts.whole(team, [rule, other], of_people=False)
        attacked = Counts(counts.of, [*counts.sums, Sum(clock, (rule,))])
        assert worked_out(attacked, withheld(counts.of, counts.sums, 5), [])[other] == 3
        weigh_same_cases(counts)
        assert worked_out(attacked, withheld(counts.of, counts.sums, 5), []) == {}
        newer = Counts({**counts.of, clock: 8})
        weigh_same_cases(newer)
        assert newer.sums == []


def chains() -> Iterator[tuple[dict[Key, int], list[Sum]]]:
    """Sums that tell nothing alone and a count together."""
    counts: dict[Key, int] = {"all": 30, "early": 20, "a": 3, "b": 17, "c": 2, "d": 8}
    yield counts, [Sum("all", ("a", "b", "c", "d")), Sum("early", ("a", "b"))]
    counts = {"x": 1, "y": 2, "z": 3, "xy": 3, "yz": 5, "xz": 4, "w": 9, "all": 15}
    yield (
        counts,
        [Sum("xy", ("x", "y")), Sum("yz", ("y", "z")), Sum("xz", ("x", "z")),
         Sum("all", ("x", "y", "z", "w"), of_people=False)],
    )  # fmt: skip


@pytest.mark.parametrize(("counts", "sums"), list(chains()))
def test_sums_are_weighed_together(counts: dict[Key, int], sums: list[Sum]) -> None:
    hidden = withheld(counts, sums, 5)
    assert exact(hidden, counts, sums) == []
    assert worked_out(Counts(counts, sums), hidden, []) == {}
