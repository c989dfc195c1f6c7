"""The issues of the return by module and rule, and how they went from run to run."""

from ...spec.constants import ERRORS, QUERY
from . import charts
from .charts import Bar, Point
from .earlier_runs import ISSUES, Run
from .elements import Cell, Chart, Section, Sources, Table, extremes
from .shown_values import WITHHELD, Value

NONE = Value(0, "0")
LIKELY = "Query, COLLECT may call it an error"
SHOWN_RUNS = 12
"""Most runs that a trend goes back over."""


def issues_section(sources: Sources, runs: list[Run], modules: dict[str, str]) -> Section:
    """Errors and queries over the runs, by module, and every rule that found something."""
    found = []
    if runs:
        found.append(_over_the_runs(sources, runs[-SHOWN_RUNS:]))
    found += [_by_module(sources, modules), _by_rule(sources, runs[-SHOWN_RUNS:], modules)]
    return Section(
        "issues",
        "Errors and queries",
        found,
        "Errors must be cleared; queries are explained in COLLECT. The rules are derived from"
        " public material and are not DfE's list.",
    )


def _over_the_runs(sources: Sources, runs: list[Run]) -> Chart:
    shown = sources.shown
    rows: list[list[Cell]] = [
        [f"{run.as_at}", *(shown.guarded(run.value("return", name)) for name in KINDS.values())]
        for run in runs
    ]
    now = [shown.count("issues", "all", "error"), shown.count("issues", "all", QUERY),
           shown.count("queries", "no note")]  # fmt: skip
    rows.append([f"{sources.facts.extracted_on}", *now])
    unders = [""] * len(rows)
    unders[0], unders[-1] = str(rows[0][0]), str(rows[-1][0])[5:]
    panels = []
    for place, name in enumerate(KINDS):
        cells = [(str(row[0]), cell) for row in rows if isinstance(cell := row[place + 1], Value)]
        words = "; ".join(f"{extract} {cell.text}" for extract, cell in cells)
        points = [Point("", cell.number, cell.text) for _, cell in cells]
        most = max((point.value or 0 for point in points), default=0)
        drawing = charts.lines(f"{name} by run: {words}", unders, [("Now", points)], most)
        panels.append((name, drawing))
    return Chart(
        "runs",
        "Errors and queries from run to run",
        "Number found in each run, by the day of its extract",
        f"{len(rows)} runs, from {rows[0][0]} to {rows[-1][0]}.",
        Table(["Extract of", *KINDS], rows),
        "One run a day, the last of that day. Each panel has its own scale.",
        "audit.run_figures.",
        panels=panels,
    )


KINDS = {
    "Errors": "errors",
    "Queries": "queries",
    "Queries without a note": "queries_without_note",
}


def _by_module(sources: Sources, modules: dict[str, str]) -> Chart:
    shown = sources.shown
    rows: list[list[Cell]] = []
    for module, name in modules.items():
        keys = [("issues", "module", module, kind) for kind in ("error", QUERY)]
        if any(key in shown.counts for key in keys):
            rows.append(
                [name, *(shown.count(*key) if key in shown.counts else NONE for key in keys)]
            )
    panels = []
    for place, kind in enumerate(("Errors", "Queries")):
        values = [(str(row[0]), cell) for row in rows if isinstance(cell := row[place + 1], Value)]
        bars = [(name, [Bar(value.number, value.text)])
                for name, value in values if value.text != NONE.text]  # fmt: skip
        drawing = charts.bars(f"{kind} by module. {extremes(values)}", bars) if bars else ""
        panels.append((kind if bars else f"{kind}: none", drawing))
    return Chart(
        "modules",
        "Errors and queries by part of the return",
        "Number in each module that has any",
        "One for each record and rule that it breaks.",
        Table(["Module", "Errors", "Queries"], rows),
        "The modules are the parts of the return. Each panel has its own scale.",
        f"{sources.own}.",
        panels=panels,
    )


def _by_rule(sources: Sources, runs: list[Run], modules: dict[str, str]) -> Chart:
    """Every rule that found something now or in the last run, with its trend.

    A page to share leaves out a rule whose errors DfE has all agreed to.
    """
    shown = sources.shown
    last = runs[-1] if runs else None
    found_now = 0
    rows: list[list[Cell]] = []
    for rule in sources.facts.rules:
        kind = QUERY if rule["severity"] == QUERY else "error"
        before = last.value(ISSUES, rule["rule_id"]) if last else 0
        found = shown.counts.get(("issues", "rule", rule["rule_id"], kind), 0)
        if not before and not (found or (rule["issue_count"] and not sources.is_to_share)):
            continue
        now = shown.count("issues", "rule", rule["rule_id"], kind)
        found_now += bool(rule["issue_count"])
        cells: list[Cell] = [
            rule["rule_id"],
            "Error" if rule["severity"] in ERRORS else LIKELY if rule["likely_error"] else "Query",
            modules.get(rule["module"], rule["module"]),
            rule["team"],
            " ".join(filter(None, (rule["message"], rule["accepted"]))),
            now,
        ]
        if runs:
            then = [shown.guarded(run.value(ISSUES, rule["rule_id"])) for run in runs]
            cells.append(Value(None, WITHHELD) if now.text == WITHHELD else then[-1])
            cells.append(
                "not shown"
                if now.text == WITHHELD
                else ", ".join(value.text for value in [*then, now])
            )
        rows.append(cells)
    columns = ["Rule", "Severity", "Module", "Team", "What is wrong", "Now"]
    if runs:
        columns += ["Last run", "Run by run"]
    return Chart(
        "rules",
        _found_words(found_now, len(rows) - found_now),
        "Number of records that break each rule",
        f"{len(rows)} rules are in the table. Those that found nothing are in the workbook.",
        Table(columns, rows, filters=("Severity", "Module", "Team")),
        "The workbook issues.xlsx has each record, what was found and what to do.",
        f"{sources.own}.",
    )


def _found_words(now: int, cleared: int) -> str:
    """How many rules find something now, and how many did in the last run and do no longer."""
    words = (
        f"{now} {'rule finds' if now == 1 else 'rules find'} something"
        if now
        else "No rule finds anything"
    )
    return f"{words}; {cleared} no longer since the last run" if cleared else words
