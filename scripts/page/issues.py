"""The issues of the return by module and rule, and how they went from run to run."""

from . import charts
from .charts import Bar, Point
from .figures import ERRORS, QUERY, WITHHELD, Value
from .history import ISSUES, Run
from .parts import Cell, Chart, Section, Sources, Table, extremes

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
    points = [
        (name, [Point("", cell.number, cell.text) for row in rows
                if isinstance(cell := row[place + 1], Value)])
        for place, name in enumerate(KINDS)
    ]  # fmt: skip
    words = "; ".join(f"{row[0]}: {' and '.join(_said(row))}" for row in rows)
    unders = [""] * len(rows)
    unders[0], unders[-1] = str(rows[0][0]), str(rows[-1][0])[5:]
    most = max((point.value or 0 for _, series in points for point in series), default=0)
    return Chart(
        "runs",
        "Errors and queries from run to run",
        "Number found in each run, by the day of its extract",
        words,
        Table(["Extract of", *KINDS], rows),
        "One run a day, the last of that day.",
        "audit.run_figures.",
        charts.lines(f"Errors and queries by run. {words}", unders, points[:2], most),
    )


KINDS = {
    "Errors": "errors",
    "Queries": "queries",
    "Queries without a note": "queries_without_note",
}


def _said(row: list[Cell]) -> list[str]:
    return [
        f"{name.lower()} {cell.text if isinstance(cell, Value) else cell}"
        for name, cell in zip(KINDS, row[1:], strict=True)
    ]


def _by_module(sources: Sources, modules: dict[str, str]) -> Chart:
    shown = sources.shown
    rows: list[list[Cell]] = []
    bars = []
    for module, name in modules.items():
        if ("issues", "module", module, QUERY) not in shown.counts and (
            "issues", "module", module, "error"
        ) not in shown.counts:  # fmt: skip
            continue
        values = [
            shown.count("issues", "module", module, kind)
            if ("issues", "module", module, kind) in shown.counts
            else Value(0, "0")
            for kind in ("error", QUERY)
        ]
        rows.append([name, *values])
        errors, queries = values
        group = [Bar(errors.number, errors.text, "errors"),
                 Bar(queries.number, queries.text, "queries", False)]  # fmt: skip
        if errors.text != "0" or queries.text != "0":
            bars.append((name, group))
    words = "Errors: " + extremes([(str(row[0]), row[1]) for row in rows
                                   if isinstance(row[1], Value)])  # fmt: skip
    return Chart(
        "modules",
        "Errors and queries by part of the return",
        "Number of errors, and of queries, in each module",
        words,
        Table(["Module", "Errors", "Queries"], rows),
        "One for each record and rule that it breaks.",
        f"{sources.own}.",
        charts.bars(f"Errors and queries by module. {words}", bars),
    )


def _by_rule(sources: Sources, runs: list[Run], modules: dict[str, str]) -> Chart:
    """Every rule that found something now or in the last run, with its trend."""
    shown = sources.shown
    last = runs[-1] if runs else None
    rows: list[list[Cell]] = []
    for rule in sources.facts.rules:
        before = last.value(ISSUES, rule["rule_id"]) if last else 0
        if not rule["issue_count"] and not before:
            continue
        kind = QUERY if rule["severity"] == QUERY else "error"
        now = shown.count("issues", "rule", rule["rule_id"], kind)
        cells: list[Cell] = [
            rule["rule_id"],
            "Error" if rule["severity"] in ERRORS else "Query",
            modules.get(rule["module"], rule["module"]),
            rule["team"],
            rule["message"],
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
        f"{len(rows)} rules found something" if rows else "No rule found anything",
        "Number of records that break each rule",
        f"{len(rows)} rules are in the table. Those that found nothing are in the workbook.",
        Table(columns, rows, filters=("Severity", "Module", "Team")),
        "The workbook issues.xlsx has each record, what was found and what to do.",
        f"{sources.own}.",
    )
