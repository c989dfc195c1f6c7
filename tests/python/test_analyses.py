"""Every figure can be opened: the queries in analyses/ give the rows that the tables count."""

import re
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from sen2 import spec
from sen2.export.published_tables import headings

from .conftest import YEAR, Built, dbt, failures

DATASETS = [name for name in headings(YEAR) if name != "sen2_dmo_dco"]
NO_COUNT = re.compile(r"(?i)(^|_)pc(_|$)|^avg_")
"""The figures that are percentages and averages."""
NO_BREAKDOWNS = ("residential_settings", "phase_transfers")
"""Tables with few rows: the sample has nobody in a residential placement."""


def compiled(target: Path) -> dict[str, str]:
    """The compiled queries, by name."""
    return {path.stem: path.read_text("utf-8") for path in target.rglob("analyses/*.sql")}


def copied(built: Built, folder: Path) -> Path:
    """A copy of the sample's warehouse: dbt wants it alone, and other tests read it meanwhile."""
    return Path(shutil.copy(built.warehouse, folder / "sen2.duckdb"))


@pytest.fixture(scope="module")
def queries(built: Built, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every analysis compiled against the built sample."""
    folder = tmp_path_factory.mktemp("compiled")
    events = dbt(copied(built, folder), folder, "compile", "--select", "path:analyses")
    assert failures(events) == []
    return compiled(folder)


def test_there_is_a_query_for_every_published_table_and_the_form(queries: dict[str, str]) -> None:
    opened = {name.removeprefix("rows_of_") for name in queries if name.startswith("rows_of_")}
    assert opened == {*headings(YEAR), "form"}


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_rows_are_as_many_as_the_figure_in_every_breakdown(
    built: Built, queries: dict[str, str], dataset: str
) -> None:
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        rows = connection.execute(queries[f"rows_of_{dataset}"]).fetchall()
        figures = connection.execute(
            "select figure, breakdown, number from published.figures"
            " where return_id = 'built' and dataset = ? and number is not null",
            [dataset],
        ).fetchall()
    opened = Counter((row[0].lower(), row[1]) for row in rows)
    published = {
        (figure.lower(), breakdown): number
        for figure, breakdown, number in figures
        if not NO_COUNT.search(figure)
    }
    # Figures of other releases are opened too.
    names = {figure for figure, _ in published}
    of_release = {key: number for key, number in opened.items() if key[0] in names}
    assert {key: number for key, number in published.items() if number} == of_release
    assert len({breakdown for _, breakdown in opened}) > 5 or dataset in NO_BREAKDOWNS


@pytest.mark.parametrize(
    ("dataset", "words", "figures"),
    [
        ("residential_settings", "residential_words", "res_3851, res_52, res_tot"),
        (
            "work_based_placements",
            "work_based_words",
            "open_supp_intern, open_apprentice, open_trainee, open_wbp",
        ),
    ],
)
def test_open_activities_of_several_kinds_are_opened_as_often_as_they_are_counted(
    built: Built, queries: dict[str, str], tmp_path: Path, dataset: str, words: str, figures: str
) -> None:
    path = copied(built, tmp_path)
    (model,) = built.target.rglob(f"compiled/sen2/models/published/**/{dataset}.sql")
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"update published.plans_at_survey_day set {words} = case hash(request_id) % 5"
            " when 0 then ['weeks_52', 'apprenticeship']"
            " when 1 then ['weeks_38_to_51', 'weeks_52', 'supported_internship']"
            " when 2 then ['unheard_of', 'traineeship'] else [] end"
        )
        rows = connection.execute(queries[f"rows_of_{dataset}"]).fetchall()
        published = connection.execute(
            "select figure, case when breakdown_topic = breakdown then breakdown"
            " else breakdown_topic || ': ' || breakdown end, value::integer"
            f" from (unpivot ({model.read_text(encoding='utf-8')}) on {figures}"
            " into name figure value value) where value not in ('0', 'x')"
        ).fetchall()
    opened = Counter((row[0], row[1]) for row in rows)
    assert {(figure.lower(), breakdown): n for figure, breakdown, n in published} == dict(opened)
    assert len({figure for figure, _ in opened}) > 2


def test_every_row_has_a_person_and_its_row_of_the_extract(
    built: Built, queries: dict[str, str]
) -> None:
    files = {"requests": "requests.csv", "assessments": "assessments.csv"}
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        for dataset in DATASETS:
            found = connection.execute(
                f"select count(*), count(person_id), count(source_row), mode(source_file)"
                f" from ({queries[f'rows_of_{dataset}']})"
            ).fetchone()
            assert found is not None
            rows, people, sources, file = found
            assert rows == people == sources, dataset
            assert file == files.get(dataset, file)
        landed = connection.execute(
            "select requests._row from raw.requests as requests"
            f" inner join ({queries['rows_of_requests']}) as rows"
            " on rows.request_id = requests.request_id and rows.source_row = requests._row"
            " where rows.figure = 'requests_rya' and rows.breakdown like 'All %'"
        ).fetchall()
        opened = connection.execute(
            f"select count(*) from ({queries['rows_of_requests']})"
            " where figure = 'requests_rya' and breakdown like 'All %'"
        ).fetchone()
    assert opened == (len(landed),)


def test_one_figure_is_asked_for_by_name(built: Built, tmp_path: Path) -> None:
    events = dbt(
        copied(built, tmp_path), tmp_path, "compile", "--select", "rows_of_requests",
        variables={"figure": "requests_decided_not_to_assess", "breakdown": "Sex: Female"},
    )  # fmt: skip
    assert failures(events) == []
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        rows = connection.execute(compiled(tmp_path)["rows_of_requests"]).fetchall()
        figure = connection.execute(
            "select requests_decided_not_to_assess::integer from published.requests"
            " where return_id = 'built' and breakdown = 'Female'"
        ).fetchone()
    assert figure == (len(rows),)
    assert {row[:2] for row in rows} == {("requests_decided_not_to_assess", "Sex: Female")}


def test_every_analysis_says_what_a_row_of_it_is() -> None:
    for path in (spec.PROJECT / "analyses").glob("rows_of_*.sql"):
        assert re.match(r"-- (The|One) .*", path.read_text(encoding="utf-8")), path.name
