"""Great Expectations' own pages of what the gates found."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .. import spec

if TYPE_CHECKING:
    pass
from .gate_results import GateResult


def write_docs(folder: Path, results: Iterable[GateResult], project: Path = spec.PROJECT) -> None:
    """Great Expectations' pages of the results, one a suite and an index, all readable offline."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    folder.mkdir(parents=True, exist_ok=True)
    results = list(results)
    view = DefaultJinjaPageView(custom_views_directory=str(project / "gx" / "views"))
    renderer = ValidationResultsPageRenderer(run_info_at_end=True)
    pages = {"index": view.env.get_template("index.j2").render(results=results)}
    for validation in (each for result in results for each in result.validations):
        document = renderer.render(validation)
        pages[validation.suite_name] = view.render(document, template="suite.j2")
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
