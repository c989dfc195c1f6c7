"""The charts of the return: caseload, requests, timeliness, setting, needs, endings, reviews."""

from ...ground.errors import DefectError
from . import charts
from .charts import Bar, Point
from .dfe_figures import ENGLAND, Figure, figures_of, period_words, population
from .elements import Cell, Chart, Section, Sources, Table, day, extremes, month
from .figures import BINS, BINS_TO_LIMIT, BREACH_WEEKS, Value, percent, rate

DFE = "DfE, Education, health and care plans"
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


def sections(sources: Sources) -> list[Section]:
    """Every section; those of the published tables are left out in the years of the form."""
    found = []
    if sources.facts.periods:
        found += [_caseload(sources), _demand(sources), _timeliness(sources)]
    found.append(_breaches(sources))
    if sources.facts.periods:
        found += [_settings(sources), _needs(sources), _ceased(sources), _reviews(sources)]
    return [section for section in found if section.charts]


def own_share(sources: Sources, figure: Figure) -> Value:
    """The return's own share of a figure."""
    return sources.shown.share(
        ("published", figure.dataset, figure.part), ("published", figure.dataset, figure.whole)
    )


def own_count(sources: Sources, figure: Figure) -> Value:
    """The return's own count of a figure."""
    return sources.shown.count("published", figure.dataset, figure.part)


def compared(sources: Sources, figure: Figure) -> list[tuple[str, Value]]:
    """A share, and last year's, the region's, England's and similar authorities', each named."""
    published, facts = sources.published, sources.facts
    until = facts.periods[figure.dataset]
    rows = [(f"This return, {period_words(until)}", own_share(sources, figure))]
    before = published.latest(figure.dataset, facts.la_code, until, before=True)
    if before:
        share = published.share(figure, before, facts.la_code)
        rows.append((f"The year before, {period_words(before)}", percent(share)))
    for name, area in ((sources.region, sources.region_code), (ENGLAND, ENGLAND)):
        period = published.latest(figure.dataset, area, until)
        if period:
            share = published.share(figure, period, area)
            rows.append((f"{name}, {period_words(period)}", percent(share)))
    if sources.similar:
        middle = published.middle(figure, until, sources.similar)
        rows.append(("Similar authorities, the middle one", percent(middle)))
    return rows


def _source(sources: Sources, *, is_compared: bool = False) -> str:
    if is_compared and sources.has_files:
        return f"{sources.own}; {DFE}: the authority itself, region, England."
    return f"{sources.own}."


def _caseload(sources: Sources) -> Section:
    """Volumes now and before, and plans in force over the years."""
    published, facts = sources.published, sources.facts
    rows: list[list[Cell]] = []
    for figure in figures_of("volumes"):
        before = published.latest(
            figure.dataset, facts.la_code, facts.periods[figure.dataset], before=True
        )
        rows.append(
            [
                figure.label,
                sources.period(figure.dataset),
                own_count(sources, figure),
                period_words(before) if before else "",
                sources.shown.guarded(published.count(figure, before, facts.la_code)),
                figure.definition,
            ]
        )
    table = Table(
        ["Figure", "Period", "This return", "Period before", "Before", "What it counts"], rows
    )
    figure = figures_of("volumes")[0]
    points = [
        Point(
            _short(period),
            number := published.count(figure, period, facts.la_code),
            sources.shown.guarded(number).text,
        )
        for period in published.periods(figure.dataset, facts.la_code)
        if period < facts.periods[figure.dataset]
    ]
    now = own_count(sources, figure)
    points.append(Point(_short(facts.periods[figure.dataset]), now.number, now.text))
    words = "; ".join(f"{point.under} {point.text}" for point in points)
    drawing = charts.columns("EHC plans in force by year: " + words, points)
    if len(points) == 1:
        bars = [(str(row[0]), [Bar(cell.number, cell.text)])
                for row in rows if isinstance(cell := row[2], Value)]  # fmt: skip
        words = extremes([(label, Value(bar[0].value, bar[0].text)) for label, bar in bars])
        drawing = charts.bars("Plans, requests, assessments: " + words, bars)
    chart = Chart(
        "volumes",
        f"{now.text} EHC plans are in force" if now.number is not None else "EHC plans in force",
        "Number of plans in force on the survey day"
        + (" of each year" if len(points) > 1 else ", and what came and went in the year before"),
        words,
        table,
        figure.definition,
        _source(sources, is_compared=len(points) > 1),
        drawing,
    )
    return Section("caseload", "Caseload", [chart, *_per_thousand(sources)])


def _per_thousand(sources: Sources) -> list[Chart]:
    """Volumes per 1,000 people of 0 to 25 beside others'; nothing where no people are known."""
    published, facts = sources.published, sources.facts
    people = population(facts.la_code)
    if not people:
        return []
    areas = [(sources.region, sources.region_code), (ENGLAND, ENGLAND)]
    whos = ["This return", *(["Similar authorities, the middle one"] if sources.similar else [])]
    whos += [name for name, _ in areas] if sources.has_files else []
    rows: list[list[Cell]] = []
    for figure in figures_of("volumes"):
        until = facts.periods[figure.dataset]
        own = own_count(sources, figure)
        rates = [own if own.number is None else rate(1000 * own.number / people)]
        if sources.similar:
            rates.append(rate(published.middle_per_thousand(figure, until, sources.similar)))
        if sources.has_files:
            rates += [rate(published.per_thousand(figure, until, area)) for _, area in areas]
        rows.append([figure.label, *rates])
    bars = list(zip(whos, [cell for cell in rows[0][1:] if isinstance(cell, Value)], strict=True))
    words = "; ".join(f"{who} {value.text}" for who, value in bars)
    own_rate = bars[0][1]
    return [
        Chart(
            "per-1000",
            f"{own_rate.text} EHC plans for every 1,000 people of 0 to 25"
            if own_rate.number is not None
            else "EHC plans for every 1,000 people of 0 to 25",
            "Plans in force on the survey day, per 1,000 people aged 0 to 25",
            words,
            Table(["Per 1,000 people of 0 to 25", *whos], rows),
            "People aged 0 to 25: Office for National Statistics; the year is not known.",
            _source(sources, is_compared=True)
            + (f" Similar: {sources.similar_are}." if sources.similar else ""),
            charts.bars(
                f"EHC plans per 1,000 people of 0 to 25. {words}",
                [
                    (who, [Bar(value.number, value.text, "", place == 0)])
                    for place, (who, value) in enumerate(bars)
                ],
            ),
        )
    ]


def _short(period: str) -> str:
    """202425 as 24/25, to stand under a column."""
    return f"{period[2:4]}/{period[4:]}" if len(period) == 6 else period


def _demand(sources: Sources) -> Section:
    """Requests and assessments by month."""
    found = []
    for name, subject, dataset in (
        ("requests by month", "Requests for an assessment", "requests"),
        ("assessments by month", "Assessments concluded", "assessments"),
    ):
        figure = next(each for each in figures_of("volumes") if each.dataset == dataset)
        values = [(each, sources.shown.count(name, each)) for each in sources.facts.months]
        points = [Point(month(each), value.number, value.text) for each, value in values]
        words = extremes([(month(each), value) for each, value in values])
        total = own_count(sources, figure)
        found.append(
            Chart(
                dataset,
                f"{subject}: {total.text} in {sources.period(dataset)}",
                f"Number by month, {sources.period(dataset)}",
                words,
                Table(["Month", "Number"], [[each, value] for each, value in values]),
                figure.definition,
                _source(sources),
                charts.columns(f"{subject} by month. {words}", points),
            )
        )
    return Section("demand", "Requests and assessments", found)


def _timeliness(sources: Sources) -> Section:
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
        _source(sources, is_compared=True)
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
        _source(sources, is_compared=True),
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
        _source(sources),
        charts.columns(
            f"Plans by days since the request. {words}", points,
            (BINS_TO_LIMIT, f"{weeks}, the limit"),
        ),
    )  # fmt: skip


def _breaches(sources: Sources) -> Section:
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
        _source(sources),
        panels=panels,
    )
    return Section("breaches", "Cases about to breach", [chart])


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
        _source(sources),
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
        "The type of need ranked first in each plan in force; Down Syndrome counts among other"
        " needs, as DfE published it.",
        _source(sources, is_compared=True),
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
        _source(sources),
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
                definition, _source(sources), charts.bars(f"{title}. {words}", bars),
            )
        )  # fmt: skip
    return Section("reviews", "Annual reviews", found)
