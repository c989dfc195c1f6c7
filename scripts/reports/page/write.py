"""Writing the page: one HTML file with its style, script and charts, and nothing from elsewhere."""

from dataclasses import replace
from pathlib import Path

import jinja2

from ... import spec, warehouse
from ...ground import page_policy
from ...ground.errors import InputError
from ...settings.config import Job
from ...spec.constants import MODULES
from .counts import Counts, read_counts
from .dfe_figures import ENGLAND, Published, add_earlier_returns, figures_of, read_published
from .earlier_runs import Run, earlier_runs, extract_of, keep
from .elements import Sources, day
from .first_screen import figures_to_keep, front
from .issues import issues_section
from .return_facts import read_facts
from .sections import sections
from .shown_values import SafeCounts, Value

PAGE, TO_SHARE = "report.html", "report_to_share.html"
SIMILAR = {
    "neighbours": "DfE's ten statistical neighbours, as far as its files have them",
    "region": "the nearest in number of plans in the region",
}
"""The choices of the setting `similar` in words."""
TEMPLATES = Path(__file__).parent


def write_page(job: Job, *, is_run: bool = False) -> Path:
    """Write report.html and report_to_share.html to the folder of outputs, from a built warehouse.

    The first is exact and for inside the authority; gives its path. The second withholds small
    numbers, and all from which one could be worked out: the order of rules, earlier runs, the
    rule to begin with. A run keeps its figures in audit.run_figures, for the pages of later runs.
    The same warehouse, settings and outputs give the same bytes.
    """
    sources = _sources(job)
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        extract = extract_of(connection)
        runs = earlier_runs(connection, job.year, extract, sources.facts.extracted_on)
    facts = sources.facts
    if is_run:
        figures = figures_to_keep(sources)
        keep(job.warehouse, job.year, facts.extracted_on, extract, figures)
    counts = Counts(sources.shown.counts, sources.sums)
    shared = replace(sources, shown=SafeCounts(counts, job.config.small_numbers), is_to_share=True)
    _write(job.out / TO_SHARE, _page(job, shared, []))
    return _write(job.out / PAGE, _page(job, sources, runs))


def _page(job: Job, sources: Sources, runs: list[Run]) -> str:
    """The HTML of a page, exact or to share."""
    facts = sources.facts
    return _render(
        "page.html.j2",
        title=f"SEN2 return {job.year}",
        authority=job.config.name or f"Authority {facts.la_code}",
        facts=facts,
        as_at=day(facts.as_at),
        extracted_on=day(facts.extracted_on),
        survey_day=day(facts.survey_day),
        front=front(job, sources, runs),
        sections=[*sections(sources), issues_section(sources, runs, MODULES)],
        threshold=sources.shown.threshold,
        is_to_share=sources.is_to_share,
        files=sources.published.files,
        similar=[sources.published.names[area] for area in sources.similar],
        similar_are=sources.similar_are,
    )


def _sources(job: Job) -> Sources:
    published = read_published(job.config.published) if job.config.published else Published()
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        facts = read_facts(connection, job.year)
        counts = read_counts(connection, facts)
        add_earlier_returns(published, connection)
    authority = next(
        (
            row
            for row in spec.in_force("local_authorities", job.year)
            if row["old_la_code"] == facts.la_code
        ),
        {"region_name": "Region", "region_code": ""},
    )
    return Sources(
        facts=facts,
        shown=SafeCounts(counts, 1),
        sums=counts.sums,
        published=published,
        similar=_similar(job, published, facts.periods, counts.of),
        similar_are=SIMILAR.get(str(job.config.similar), "those that sen2.yml lists"),
        region=authority["region_name"],
        region_code=authority["region_code"],
        has_files=bool(published.files),
    )


def _similar(
    job: Job, published: Published, periods: dict[str, str], counts: dict[object, int]
) -> list[str]:
    """The authorities to compare with: DfE's statistical neighbours, or as the settings say."""
    choice = job.config.similar
    if not published.files or not periods:
        return []
    if choice == "neighbours":
        return published.neighbours(job.config.la_code)
    if choice == "region":
        plans = figures_of("volumes")[0]
        mine = counts.get(("published", plans.dataset, plans.part))
        return published.nearest_of_region(job.config.la_code, mine, periods[plans.dataset])
    unknown = [code for code in choice if code not in published.names]
    if unknown:
        raise InputError(
            f"similar in sen2.yml: DfE's files have no authority {', '.join(unknown)}. Use"
            " three-digit codes as in the column old_la_code."
        )
    return list(choice)


def _render(template: str, **values: object) -> str:
    """The page, with a policy that lets a browser use its own style and script and nothing else."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.tests["value"] = lambda cell: isinstance(cell, Value)
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    return environment.get_template(template).render(
        **values, style=style, script=script, policy=page_policy.own(style, script), england=ENGLAND
    )


def _write(path: Path, html: str) -> Path:
    """Put the page in its place, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    try:
        draft.write_text(html, encoding="utf-8", newline="\n")
        draft.replace(path)
    except PermissionError:
        raise InputError(
            f"{path}: cannot be replaced; close it where it is open and run again."
        ) from None
    return path
