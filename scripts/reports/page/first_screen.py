"""The first screen: is it ready, who must do what, what moved."""

from dataclasses import dataclass

from ...settings.config import Job
from ...spec.constants import ERRORS, QUERY, WORST_FIRST
from .dfe_figures import figures_of
from .earlier_runs import Run
from .elements import Cell, Sources, Table, day
from .section_figures import own_count, own_share
from .shown_values import WITHHELD, SafeCounts, Value

VERDICTS = {
    "not-ready": "Not ready to send",
    "to-explain": "The file is made, and is not ready to send yet",
    "ready": "Ready to send",
}
NOT_WRITTEN = "Not ready: no submission was written"
MINUS = "\N{MINUS SIGN}"
GATES = {
    "arrival": "Arrival: is the extract whole, and like the last one?",
    "rules": "Rules: does the return break a rule that is an error?",
    "leaving": "Leaving: does the file equal the tables?",
}


@dataclass(frozen=True)
class Tile:
    """A number of the first screen, its name, and what it means."""

    name: str
    text: str
    words: str
    is_good: bool


@dataclass(frozen=True)
class Front:
    """The first screen."""

    verdict: str
    state: str
    """Not ready; made, with queries or a gate still to see to; or ready, as sign-off would say."""
    next_step: str
    tiles: list[Tile]
    teams: Table
    moved: Table
    moved_words: str
    gates: Table


def front(job: Job, sources: Sources, runs: list[Run]) -> Front:
    """What a director sees first."""
    shown, facts = sources.shown, sources.facts
    written = _written(job)
    errors = shown.counts["issues", "all", "error"]
    gates = [gate for gate in facts.gates if gate[0] != "leaving" or written]
    closed = [name for name, _, _, is_open in gates if not is_open]
    state = _state(bool(written), errors, shown.counts["queries", "no note"], closed)
    return Front(
        verdict=VERDICTS[state] if written or errors else NOT_WRITTEN,
        state=state,
        next_step=_next_step(shown, written, errors, closed),
        tiles=[
            Tile("Errors", few(shown, "issues", "all", "error"),
                 "must be corrected before the return can be sent", not errors),
            Tile("Queries without a note", few(shown, "queries", "no note"),
                 "must be explained in COLLECT", not shown.counts["queries", "no note"]),
            Tile("Gates closed",
                 f"{len(closed)} of {len(gates)}" if gates else "not run",
                 _closed_words(closed, bool(written)),
                 bool(gates) and not closed),
            *_agreed(shown),
            _deadline(sources),
        ],
        teams=_teams(sources),
        moved=_moved(sources, runs),
        moved_words=_moved_words(sources, runs),
        gates=Table(
            ["Gate", "State", "Expectations", "Not met"],
            [
                [GATES[name], "open" if is_open else "closed", f"{count:,}", f"{broken:,}"]
                for name, count, broken, is_open in gates
            ],
        ),
    )  # fmt: skip


def few(shown: SafeCounts, *key: str) -> str:
    """A count in words: one that is withheld is some, which says no more than that it is not 0."""
    value = shown.count(*key)
    return "some" if value.text == WITHHELD else value.text


def _written(job: Job) -> list[str]:
    """The submission, or the form, that stands in the folder of outputs."""
    names = [path.name for path in job.out.glob(f"SEN2_{job.config.la_code}_{job.year}_*.xml")]
    return sorted(names) or [name for name in ("form.csv",) if (job.out / name).exists()]


def _state(is_written: bool, errors: int, unexplained: int, closed: list[str]) -> str:
    """Where the return stands: it is ready when sign-off would agree."""
    if errors or not is_written:
        return "not-ready"
    return "to-explain" if unexplained or closed else "ready"


def _closed_words(closed: list[str], is_written: bool) -> str:
    if not closed:
        return "all are open"
    accepted = "; what arrived was accepted for this run" if is_written else ""
    return f"{', '.join(closed)}{accepted}"


def _next_step(shown: SafeCounts, written: list[str], errors: int, closed: list[str]) -> str:
    queries = few(shown, "queries", "no note")
    if errors:
        return (
            f"Errors to correct: {few(shown, 'issues', 'all', 'error')}. issues.xlsx names each,"
            " with what to do."
        )
    if not written:
        gate = f" Closed: {', '.join(closed)}." if closed else ""
        return f"There are no errors, and no file was written for this run.{gate}"
    left = []
    if shown.counts["queries", "no note"]:
        left.append(f"Queries still to be explained: {queries}.")
    if closed:
        left.append("It cannot be signed off while the gate arrival is closed.")
    return " ".join(
        [f"{', '.join(written)} is written.", *(left or ["Every query has an explanation."])]
    )


def _agreed(shown: SafeCounts) -> list[Tile]:
    """The errors that DfE has agreed to, when there are any."""
    if not shown.counts["agreed", "errors"]:
        return []
    words = "errors that DfE has agreed to; they do not stop the return"
    return [Tile("Agreed with DfE", few(shown, "agreed", "errors"), words, True)]


def _deadline(sources: Sources) -> Tile:
    facts = sources.facts
    if facts.deadline is None:
        return Tile("Deadline", "not known", f"no source gives that of {facts.year}", True)
    days = (facts.deadline - facts.extracted_on).days
    words = f"{day(facts.deadline)}, counted from the extract's date, {day(facts.extracted_on)}"
    if days < 0:
        return Tile("Days since the deadline", f"{-days:,}", words, False)
    return Tile("Days to the deadline", f"{days:,}", words, True)


def _teams(sources: Sources) -> Table:
    """What each team has to do, and the rule it should begin with: its most frequent.

    A page to share does not name that rule: it would say which of the withheld counts is largest.
    """
    shown, facts = sources.shown, sources.facts
    rows: list[list[Cell]] = []
    for team in facts.teams:
        rules = sorted(
            (rule for rule in facts.rules if rule["team"] == team and rule["issue_count"]),
            key=lambda rule: (
                WORST_FIRST.index(rule["severity"]),
                not rule["likely_error"],
                -rule["issue_count"],
            ),
        )
        errors = shown.counts["issues", "team", team, "error"]
        first = rules[0]["message"] if rules else "Nothing to do."
        if rules and not errors and rules[0]["severity"] not in ERRORS:
            first = f"Explain or correct: {first}"
        rows.append(
            [
                team,
                shown.count("issues", "team", team, "error"),
                shown.count("issues", "team", team, QUERY),
                shown.count("queries", "team", team, "no note"),
                *([] if sources.is_to_share else [first]),
            ]
        )
    columns = ["Team", "Errors", "Queries", "Without a note"]
    return Table([*columns, *([] if sources.is_to_share else ["Begin with"])], rows)


def figures_to_keep(sources: Sources) -> dict[tuple[str, str], float]:
    """A run's figures as audit.run_figures keeps them: the return's, each rule's, the published."""
    counts = sources.shown.counts
    kept: dict[tuple[str, str], float] = {
        ("return", "errors"): counts["issues", "all", "error"],
        ("return", "queries"): counts["issues", "all", QUERY],
        ("return", "queries_without_note"): counts["queries", "no note"],
        ("return", "people"): counts["return", "people"],
        ("return", "active_plans"): counts["return", "active plans"],
    }
    for rule in sources.facts.rules:
        if rule["issue_count"]:
            kept["issues", rule["rule_id"]] = rule["issue_count"]
    for key, count in counts.items():
        if isinstance(key, tuple) and key[0] == "published" and ";" not in key[2]:
            kept[key[1], key[2]] = count
    return kept


def _moved_words(sources: Sources, runs: list[Run]) -> str:
    if sources.is_to_share:
        return "Beside last year's figures, where DfE has published them."
    last = (
        f"The last run before this one was of the extract of {day(runs[-1].as_at)}."
        if runs
        else "This is the first run kept of this collection: there is nothing to compare it with."
    )
    if sources.has_files or _has_last_year(sources):
        return last
    return last + (
        " For last year's figures and other authorities', give the folder of DfE's published CSVs:"
        " sen2 report --published FOLDER."
    )


def _has_last_year(sources: Sources) -> bool:
    facts = sources.facts
    return any(
        sources.published.latest(dataset, facts.la_code, period, before=True)
        for dataset, period in facts.periods.items()
    )


def _moved(sources: Sources, runs: list[Run]) -> Table:
    """The main figures now, in the last run and last year."""
    shown, facts, published = sources.shown, sources.facts, sources.published
    last = runs[-1] if runs else None
    has_year = _has_last_year(sources)
    rows: list[list[Cell]] = []

    def add(label: str, now: Value, before: Value | None, year: Value | None) -> None:
        cells: list[Cell] = [label, now]
        if last:
            cells += [before or Value(None, ""), moved(now, before, shown.threshold)]
        if has_year:
            cells += [year or Value(None, ""), moved(now, year, shown.threshold)]
        rows.append(cells)

    for label, now, figure in (
        ("Errors", shown.count("issues", "all", "error"), "errors"),
        ("Queries", shown.count("issues", "all", QUERY), "queries"),
        ("Queries without a note", shown.count("queries", "no note"), "queries_without_note"),
        ("People in the return", shown.count("return", "people"), "people"),
    ):
        add(label, now, shown.guarded(last.value("return", figure)) if last else None, None)
    if facts.periods:
        for each in figures_of("volumes"):
            period = published.latest(
                each.dataset, facts.la_code, facts.periods[each.dataset], before=True
            )
            count = published.count(each, period, facts.la_code)
            add(
                f"{each.label}, {sources.period(each.dataset)}",
                own_count(sources, each),
                shown.guarded(last.value(each.dataset, each.part)) if last else None,
                None if count is None else shown.guarded(count),
            )
        headline = figures_of("rates")[0]
        period = published.latest(
            headline.dataset, facts.la_code, facts.periods[headline.dataset], before=True
        )
        share = published.share(headline, period, facts.la_code)
        add(
            headline.label,
            own_share(sources, headline),
            _share_then(sources, last) if last else None,
            Value(share, f"{share:.1f}%") if share is not None else None,
        )
    columns = ["Figure", "This run"]
    if last:
        columns += [f"Last run, {day(last.as_at)}", "Since then"]
    if has_year:
        columns += ["Last year", "Since last year"]
    return Table(columns, rows)


def _share_then(sources: Sources, run: Run) -> Value | None:
    """The headline rate of an earlier run; withheld when a count behind it is small."""
    headline = figures_of("rates")[0]
    part = run.value(headline.dataset, headline.part)
    whole = run.value(headline.dataset, headline.whole)
    if part is None or not whole:
        return None
    if any(sources.shown.guarded(each).number is None for each in (part, whole - part)):
        return Value(None, WITHHELD)
    return Value(100 * part / whole, f"{100 * part / whole:.1f}%")


def moved(now: Value, before: Value | None, threshold: int) -> str:
    """The change in words; one of a few people is not told exactly."""
    if before is None or not before.text:
        return ""
    if now.number is None or before.number is None:
        return "not shown"
    change = now.number - before.number
    if "%" in now.text:
        return f"{change:+.1f} points".replace("-", MINUS) if abs(change) >= 0.05 else "no change"
    if not change:
        return "no change"
    if abs(change) < threshold:
        return f"fewer than {threshold} {'more' if change > 0 else 'less'}"
    return f"{change:+,.0f}".replace("-", MINUS)
