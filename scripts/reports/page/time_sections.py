"""The charts of time: how long plans took, and clocks that run or ran over."""

from ...ground.errors import DefectError
from . import charts
from .charts import Bar, Point
from .counts import BINS, BINS_TO_LIMIT, BREACH_WEEKS
from .dfe_figures import ENGLAND, Figure, figures_of, period_words
from .elements import Cell, Chart, Section, Sources, Table, day, extremes
from .section_figures import compared, own_share, source_words
from .shown_values import Value, percent

CLOCKS = {
    "decide_6_weeks": "Decision to assess",
    "issue_20_weeks": "Plan to be issued",
    "review_4_weeks": "Decision after a review",
    "phase_transfer": "Phase transfer review",
}
CLOCK_LIMITS = {
    "decide_6_weeks": "decide_days",
    "issue_20_weeks": "issue_days",
    "review_4_weeks": "review_days",
}


def timeliness_section(sources: Sources) -> Section:
    """The rate compared and over the years, all rates in a table, and the days it took."""
    rates = figures_of("rates")
    headline = rates[0]
    limit = sources.facts.limits["issue_days"]
    weeks = f"{limit // 7} weeks"
    rows = [(figure, compared(sources, figure)) for figure in rates]
    whos = [name.split(",")[0] for name, _ in max((found for _, found in rows), key=len)]
    table = Table(
        ["Rate", *whos, "What it counts"],
        [[figure.label, *_in_order(found, whos), figure.definition] for figure, found in rows],
    )
    value = own_share(sources, headline)
    bars = [
        (name, [Bar(each.number, each.text, "", place == 0)])
        for place, (name, each) in enumerate(rows[0][1])
    ]
    others = _each_similar(sources, headline)
    words = "; ".join(f"{name} {each.text}" for name, each in [*rows[0][1], *others])
    first = Chart(
        "rates",
        f"{value.text} of plans were issued within {weeks}"
        if value.number is not None
        else f"Plans issued within {weeks}",
        "Percentage of plans issued in the calendar year, exceptions left out",
        words,
        table,
        headline.definition,
        source_words(sources, is_compared=True)
        + (f" Similar: {sources.similar_are}." if others else ""),
        charts.bars(
            f"Plans issued within {weeks}. {words}",
            bars + [(name, [Bar(each.number, each.text, "", False)]) for name, each in others],
            100,
        ),
    )
    found = [first]
    if chart := _over_the_years(sources, headline, weeks):
        found.append(chart)
    return Section("timeliness", "Timeliness", [*found, _days(sources, limit, weeks)])


def _in_order(found: list[tuple[str, Value]], whos: list[str]) -> list[Value]:
    values = {name.split(",")[0]: value for name, value in found}
    return [values.get(who, percent(None)) for who in whos]


def _each_similar(sources: Sources, figure: Figure) -> list[tuple[str, Value]]:
    """The share of each similar authority in its latest period."""
    until = sources.facts.periods[figure.dataset]
    found = []
    for area in sources.similar:
        period = sources.published.latest(figure.dataset, area, until)
        share = percent(sources.published.share(figure, period, area))
        name = sources.published.names[area]
        found.append((f"{name}, {period_words(period or '')}", share))
    return found


def _over_the_years(sources: Sources, figure: Figure, weeks: str) -> Chart | None:
    """A rate year by year beside England's; nothing without earlier years."""
    facts, published = sources.facts, sources.published
    now = facts.periods[figure.dataset]
    before = [each for each in published.periods(figure.dataset, facts.la_code) if each < now]
    if not before:
        return None
    periods = [*before, now]
    own = [percent(published.share(figure, each, facts.la_code)) for each in before]
    own.append(own_share(sources, figure))
    england = [percent(published.share(figure, each, ENGLAND)) for each in periods]
    unders = [period_words(each) for each in periods]
    words = "; ".join(
        f"{under}: this authority {mine.text}, England {theirs.text}"
        for under, mine, theirs in zip(unders, own, england, strict=True)
    )
    series = [
        (name, [Point(under, value.number, value.text)
                for under, value in zip(unders, values, strict=True)])
        for name, values in (("This authority", own), (ENGLAND, england))
    ]  # fmt: skip
    return Chart(
        "rate-years",
        f"Plans issued within {weeks}, year by year",
        "Percentage of plans issued in the calendar year, exceptions left out",
        words,
        Table(["Year", "This authority", ENGLAND],
              [list(row) for row in zip(unders, own, england, strict=True)]),
        figure.definition,
        source_words(sources, is_compared=True),
        charts.lines(f"Plans issued within {weeks} by year. {words}", unders, series, 100, "%"),
    )  # fmt: skip


def _days(sources: Sources, limit: int, weeks: str) -> Chart:
    """How long the plans issued took, with the statutory limit."""
    step = limit // BINS_TO_LIMIT
    ends = [(place + 1) * step for place in range(BINS)]
    names = [f"{end - step + (1 if place else 0)} to {end} days" for place, end in enumerate(ends)]
    names.append(f"more than {ends[-1]} days")
    values = [sources.shown.count("days", place) for place in range(BINS + 1)]
    points = [
        Point(
            f"{ends[place] // 7} wks" if place < BINS and place % 2 == 0 else "",
            value.number,
            value.text,
        )
        for place, value in enumerate(values)
    ]
    words = extremes(list(zip(names, values, strict=True)))
    return Chart(
        "days",
        "How long plans took, from request to issue",
        f"Number of plans by weeks since the request; the line is the statutory {weeks}",
        words,
        Table(["Days from request to issue", "Plans"],
              [[name, value] for name, value in zip(names, values, strict=True)]),
        "Plans issued in the calendar year, exceptions left out, as the rate above. A plan on the"
        f" last day, {limit}, is in time.",
        source_words(sources),
        charts.columns(
            f"Plans by days since the request. {words}", points,
            (BINS_TO_LIMIT, f"{weeks}, the limit"),
        ),
    )  # fmt: skip


def breaches_section(sources: Sources) -> Section:
    """Clocks still running, by when they are due."""
    ends = [7 * each for each in BREACH_WEEKS]
    starts = [0, *(end + 1 for end in ends[:-1])]
    bands = [
        "Overdue",
        *(f"Due in {start} to {end} days" for start, end in zip(starts, ends, strict=True)),
        f"Due in more than {ends[-1]} days",
    ]
    rows: list[list[Cell]] = []
    panels = []
    for clock in sources.facts.clocks:
        if clock not in CLOCKS:
            raise DefectError(f"The page has no name for the clock {clock}.")
        values = [
            sources.shown.count("clock", clock, place)
            if ("clock", clock, place) in sources.shown.counts
            else Value(0, "0")
            for place in range(len(bands))
        ]
        rows.append([CLOCKS[clock], *values])
        words = "; ".join(f"{band} {value.text}"
                          for band, value in zip(bands, values, strict=True))  # fmt: skip
        bars = [(band, [Bar(value.number, value.text)])
                for band, value in zip(bands, values, strict=True)]  # fmt: skip
        panels.append((CLOCKS[clock], charts.bars(f"{CLOCKS[clock]}: {words}", bars)))
    if not rows:
        return Section("breaches", "Cases about to breach", [])
    limits = "; ".join(
        f"{CLOCKS[clock].lower()}: {sources.facts.limits[name] // 7} weeks"
        for clock, name in CLOCK_LIMITS.items()
    )
    soon = [(str(row[0]), row[2]) for row in rows if isinstance(row[2], Value)]
    chart = Chart(
        "breaches",
        "Cases still running, by when they are due",
        "Number of cases with a statutory clock running on the day of the extract,"
        f" {day(sources.facts.extracted_on)}",
        "Due within a week: " + "; ".join(f"{name} {value.text}" for name, value in soon) + ".",
        Table(["Clock", *bands], rows),
        f"Limits: {limits}; a phase transfer by the day the law sets. A plan that has ceased is"
        " left out. Who they are is in the table intermediate.clocks.",
        source_words(sources),
        panels=panels,
    )
    return Section("breaches", "Cases about to breach", [chart])
