"""What sections share: the return's own figures, those beside them, and where they come from."""

from .dfe_figures import ENGLAND, Figure, period_words
from .elements import Sources
from .shown_values import Value, percent

DFE = "DfE, Education, health and care plans"


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


def source_words(sources: Sources, *, is_compared: bool = False) -> str:
    """Where the figures of a chart come from."""
    if is_compared and sources.has_files:
        return f"{sources.own}; {DFE}: the authority itself, region, England."
    return f"{sources.own}."
