"""The charts of the return: caseload, requests, timeliness, setting, needs, endings, reviews."""

from . import charts
from .caseload_sections import caseload_section, demand_section
from .charts import Bar
from .dfe_figures import ENGLAND, figures_of
from .elements import Cell, Chart, Section, Sources, Table, extremes
from .section_figures import compared, own_count, own_share, source_words
from .time_sections import breaches_section, timeliness_section


def sections(sources: Sources) -> list[Section]:
    """Every section; those of the published tables are left out in the years of the form."""
    found = []
    if sources.facts.periods:
        found += [caseload_section(sources), demand_section(sources), timeliness_section(sources)]
    found.append(breaches_section(sources))
    if sources.facts.periods:
        found += [_settings(sources), _needs(sources), _ceased(sources), _reviews(sources)]
    return [section for section in found if section.charts]


def _settings(sources: Sources) -> Section:
    """Age by setting: a panel a setting, a bar an age band, one scale."""
    facts = sources.facts
    figures = figures_of("settings")
    values = {
        (figure.part, band): sources.shown.count("age", band, figure.part)
        for figure in figures
        for band in facts.bands
    }
    most = max((value.number or 0 for value in values.values()), default=0)
    panels = []
    rows: list[list[Cell]] = []
    for figure in figures:
        of_bands = [(band, values[figure.part, band]) for band in facts.bands]
        words = "; ".join(f"{band} years {value.text}" for band, value in of_bands)
        total = own_count(sources, figure)
        rows.append([figure.label, *(value for _, value in of_bands), total])
        bars = [(f"{band} years", [Bar(value.number, value.text)]) for band, value in of_bands]
        drawing = charts.bars(f"{figure.label}: {words}", bars, most)
        panels.append((f"{figure.label}: {total.text}", drawing))
    total_row = [sources.shown.count("age", band, "ehcplans") for band in facts.bands]
    whole = sources.shown.count("published", "caseload", "ehcplans")
    rows.append(["All settings", *total_row, whole])
    totals = [(figure.label, own_count(sources, figure)) for figure in figures]
    chart = Chart(
        "settings",
        "Where children and young people with a plan are, by age",
        "Number of plans in force by main placement; one scale for all panels",
        extremes(totals),
        Table(["Setting", *(f"{band} years" for band in facts.bands), "All ages"], rows),
        "The main placement open on the survey day. Age is in whole years on the day DfE's tables"
        " go by. What only a register of establishments could tell is [x] when none was landed.",
        source_words(sources),
        panels=panels,
    )
    return Section("settings", "Age and setting", [chart])


def _needs(sources: Sources) -> Section:
    """Primary needs as shares, beside England's."""
    figures = figures_of("needs")
    shares = [(figure, own_share(sources, figure)) for figure in figures]
    shares.sort(key=lambda row: -(row[1].number if row[1].number is not None else -1))
    rows, bars = [], []
    for figure, share in shares:
        found = dict(compared(sources, figure))
        england = next((value for name, value in found.items() if name.startswith(ENGLAND)), None)
        group = [Bar(share.number, share.text)]
        if england is not None:
            group.append(Bar(england.number, england.text, ENGLAND, False))
        bars.append((figure.label, group))
        cells: list[Cell] = [figure.label, own_count(sources, figure), share]
        rows.append([*cells, england] if england is not None else cells)
    words = extremes([(figure.label, share) for figure, share in shares])
    has_england = any(len(group) > 1 for _, group in bars)
    top = shares[0]
    chart = Chart(
        "needs",
        f"{top[0].label} is the primary need of {top[1].text} of plans"
        if top[1].number is not None
        else "Primary needs",
        "Percentage of plans in force by primary type of need"
        + (", this return above England" if has_england else ""),
        words,
        Table(["Primary need", "Plans", "Share", *([ENGLAND] if has_england else [])], rows),
        "The type of need ranked first in each plan in force. DfE's tables until 2025 count Down"
        " syndrome among other needs.",
        source_words(sources, is_compared=True),
        charts.bars(f"Primary needs. {words}", bars),
    )
    return Section("needs", "Needs", [chart])


def _ceased(sources: Sources) -> Section:
    """Why plans ceased."""
    values = [(figure.label, own_count(sources, figure)) for figure in figures_of("ceased")]
    rows: list[list[Cell]] = [[label, value] for label, value in values]
    total = sources.shown.count("published", "ceased_plans", "total_ceased")
    words = extremes(values)
    chart = Chart(
        "ceased",
        f"{total.text} plans ceased in {sources.period('ceased_plans')}"
        if total.number is not None
        else "Plans ceased",
        "Number of plans ceased in the calendar year, by reason",
        words,
        Table(["Reason", "Plans"], [*rows, ["All reasons", total]]),
        "Plans whose last day is in the calendar year, by the reason recorded.",
        source_words(sources),
        charts.bars(f"Plans ceased by reason. {words}",
                    [(label, [Bar(value.number, value.text)]) for label, value in values]),
    )  # fmt: skip
    return Section("ceased", "Plans ceased", [chart])


def _reviews(sources: Sources) -> Section:
    """Review meetings held, and the decisions after them."""
    found = []
    for key, title, measure, definition in (
        (
            "reviews", "Annual review meetings",
            "Number of plans expected to have had a review, by the last meeting on record",
            "Plans in force that started before the calendar year.",
        ),
        (
            "decisions", "Decisions after a review",
            "Number of plans with a review meeting on record, by the decision after it",
            f"In time is within {sources.facts.limits['review_days'] // 7} weeks of the meeting.",
        ),
    ):  # fmt: skip
        figures = figures_of(key)
        values = [
            (figure.label, own_count(sources, figure), own_share(sources, figure))
            for figure in figures
        ]
        if all(value.text == "[x]" for _, value, _ in values):
            continue
        words = "; ".join(f"{label} {value.text} ({share.text})" for label, value, share in values)
        bars = [
            (label, [Bar(value.number, value.text, f"({share.text})" if share.number else "")])
            for label, value, share in values
        ]
        found.append(
            Chart(
                key, title, measure, words,
                Table(["Reviews", "Plans", "Share"], [list(row) for row in values]),
                definition, source_words(sources), charts.bars(f"{title}. {words}", bars),
            )
        )  # fmt: skip
    return Section("reviews", "Annual reviews", found)
