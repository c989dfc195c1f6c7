"""The charts of the caseload and of requests."""

from . import charts
from .charts import Bar, Point
from .dfe_figures import ENGLAND, figures_of, period_words, population
from .elements import Cell, Chart, Section, Sources, Table, extremes, month
from .section_figures import own_count, source_words
from .shown_values import Value, rate


def caseload_section(sources: Sources) -> Section:
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
        source_words(sources, is_compared=len(points) > 1),
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
            source_words(sources, is_compared=True)
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


def demand_section(sources: Sources) -> Section:
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
                source_words(sources),
                charts.columns(f"{subject} by month. {words}", points),
            )
        )
    return Section("demand", "Requests and assessments", found)
