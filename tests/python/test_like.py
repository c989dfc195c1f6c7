"""Extracts made to published figures: the models give the figures back, cell by cell."""

import csv
import io
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen2.cli import main
from sen2.dev.proof.compare import prove
from sen2.dev.proof.models import Pipeline
from sen2.ground.errors import InputError
from sen2.sample import write_like
from sen2.sample.like import published as published_tables
from sen2.sample.like.allocate import share_out, whole_table
from sen2.sample.like.published import Published, Row, defect
from sen2.sample.like.reviews import solve
from sen2.sample.like.targets import Reviews
from sen2.settings.config import read_config

from .extracts import models

PUBLISHED = Path(__file__).parent / "published"


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    return Pipeline(models())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("year", "authority", "unequal", "errors"),
    [
        (2022, "Knowsley", set(), set()),
        (2025, "Gateshead", set(), set()),
        (2025, "Hartlepool", set(), set()),
    ],
)
def test_the_models_give_the_published_figures_back(
    pipeline: Pipeline,
    year: int,
    authority: str,
    unequal: set[str],
    errors: set[str],
    tmp_path: Path,
) -> None:
    result = prove(pipeline, year, PUBLISHED, authority, tmp_path)
    assert result is not None
    assert result.compared > 150
    assert [item for item in result.differences if not item.why] == []
    assert {item.column for item in result.differences} == unequal
    assert set(result.errors) <= errors
    expected = {
        (row["dataset"], row["column"]) for row in rows(tmp_path / "extract/expected/published.csv")
    }
    assert len(expected) > 40
    assert not expected & {(item.dataset, item.column) for item in result.differences}


def test_the_form_counts_by_the_rules_that_come_with_the_extract(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    """A plain run with the settings beside the extract counts what no code of a setting says."""
    placements = {
        "Permanently excluded": "3",
        "Awaiting provision - below compulsory school age and in education": "4",
        "Awaiting provision - compulsory school age and in education": "5",
        "Awaiting provision - above compulsory school age and in education": "6",
    }
    folder = shutil.copytree(PUBLISHED, tmp_path / "published")
    path = folder / "rel2022_sen2_estab_caseload.csv"
    table = rows(path)
    taken = sum(map(int, placements.values()))
    for row in table:
        if row["la_name"] == "Knowsley" and row["time_period"] == "2022":
            place = row["establishment_group"], row["establishment_type"]
            more = int(placements.get(place[1], 0))
            if place == ("Educated elsewhere", "Total"):
                more = taken
            elif place[0] == "Mainstream school" and place[1] in (
                "Total",
                "Mainstream - LA maintained",
            ):
                more = -taken
            row["Total_ehc"] = str(int(row["Total_ehc"]) + more)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    result = prove(pipeline, 2022, folder, "Knowsley", tmp_path / "work")
    assert result is not None
    assert result.differences == ()

    settings = tmp_path / "work/extract/expected/sen2.yml"
    assert read_config(settings).form_local_rules == settings.parent / "form_local_rules.csv"
    lines = settings.read_text(encoding="utf-8").splitlines()
    plain = [line for line in lines if not line.startswith("form_local_rules")]
    settings.write_text("\n".join(plain), encoding="utf-8")
    without = pipeline.run(
        2022, tmp_path / "work/extract", tmp_path / "work/sen2.duckdb", ["sen2_estab_caseload"]
    )
    made = {
        row["establishment_type"]: row["total_ehc"] for row in without.tables["sen2_estab_caseload"]
    }
    assert {made[name] for name in placements} == {"0"}


def test_what_dfe_has_corrected_is_read_from_the_corrected_file_alone(tmp_path: Path) -> None:
    folder = shutil.copytree(PUBLISHED, tmp_path / "published")
    corrected = rows(folder / "rev2025_ceased_plans.csv")
    england = {"time_period": "2024", "geographic_level": "National"}
    july = [
        *[{**row, "total_ceased": "99"} for row in corrected],
        {**england, "breakdown_topic": "Years plan held", "breakdown": "1 year",
         "total_ceased": "3774"},
    ]  # fmt: skip
    with (folder / "rel2025_ceased_plans.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(corrected[0]), restval="")
        writer.writeheader()
        writer.writerows(july)
    own = Published(folder, "Gateshead").rows("ceased_plans", "2024")
    assert "99" not in {row["total_ceased"] for row in own}
    assert {row["breakdown_topic"] for row in own} == {"All ceased EHC plans", "Years plan held"}
    (folder / "rev2025_ceased_plans.csv").unlink()
    _clear()
    own = Published(folder, "Gateshead").rows("ceased_plans", "2024")
    assert [row["breakdown"] for row in own] == ["All ceased EHC plans"]


def _clear() -> None:
    """Forget the files read: a test changes a folder that was read."""
    for read in (published_tables._files, published_tables._table, published_tables._withdrawn):
        read.cache_clear()


def test_reviews_come_to_their_counts_or_are_not_made() -> None:
    wanted = Reviews((9, 200, 80), (30, 150, 40), 25, 55, 100, {"A": 10, "C": 1, "M": 50})
    found = solve(wanted)
    assert found is not None
    met = [sum(n for kind, n in found.items() if kind.met == year) for year in range(3)]
    decided = [sum(n for kind, n in found.items() if kind.decided == year) for year in range(3)]
    assert (tuple(met), tuple(decided)) == (wanted.meetings, wanted.decisions)
    assert sum(n for kind, n in found.items() if kind.is_near) == 25
    assert sum(n for kind, n in found.items() if kind.decided is None and not kind.is_near) == 55
    assert sum(n for kind, n in found.items() if kind.in_time) == 100
    for impossible in (
        replace(wanted, not_due=8),
        replace(wanted, in_time=300),
        replace(wanted, decisions=(30, 100, 90)),
        replace(wanted, outstanding=400),
    ):
        assert solve(impossible) is None


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_like(tmp_path / name, 2025, "Gateshead", PUBLISHED, 3)
    for path in sorted((tmp_path / "one").rglob("*.*")):
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_an_authority_is_found_by_name_and_by_either_code() -> None:
    found = {Published(PUBLISHED, text).name for text in ("gateshead", "E08000037", "390")}
    assert found == {"Gateshead"}


def test_a_known_defect_is_of_its_period_and_region() -> None:
    row = {"time_period": "2022", "old_la_code": "380", "region_name": "Yorkshire and The Humber"}
    said = [
        defect(Row(row | other, PUBLISHED, 2), "newplans", "new_ehc_plans")
        for other in ({}, {"time_period": "2023"}, {"region_name": "London"})
    ]
    assert "6,078" in said[0]
    assert said[1:] == ["", ""]


def without(column: str, text: str) -> str:
    """A CSV without a column."""
    table = list(csv.DictReader(text.splitlines()))
    out = io.StringIO()
    writer = csv.DictWriter(out, [name for name in table[0] if name != column], "", "ignore")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


WRONG: dict[str, tuple[str, Callable[[str], str | None], str]] = {
    "no file": ("newplans", lambda text: None, "rel2025_newplans.csv is missing"),
    "no column": ("requests", lambda text: without("requests_withdrawn", text),
                  "row 1: the column requests_withdrawn is missing"),
    "no code": ("caseload", lambda text: without("old_la_code", text),
                "row 1: the column old_la_code is missing"),
    "no number": ("assessments", lambda text: re.sub(r"(?m)(?<=,)\d+$", "many", text),
                  "row 2, column number_other_mediation_tribunal: is neither a whole number"),
    "ragged": ("ceased_plans", lambda text: text.rstrip() + ",1\n", "row 4: does not fit"),
    "not text": ("ceased_plans", lambda text: text + "\udcff", "is not UTF-8 text"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_named(tmp_path: Path, name: str) -> None:
    dataset, edit, message = WRONG[name]
    folder = shutil.copytree(PUBLISHED, tmp_path / "published")
    path = folder / f"rel2025_{dataset}.csv"
    text = edit(path.read_text(encoding="utf-8"))
    path.unlink()
    if text is not None:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=message):
        write_like(tmp_path / "extract", 2025, "Gateshead", folder, 1)
    assert not (tmp_path / "extract").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--like", "Gateshed", "--published", str(PUBLISHED)], "Near: Gateshead"),
        (["--like", "390", "--published", str(PUBLISHED)], "its periods: 202425"),
        (["--like", "390", "--published", "nowhere"], "there is no such folder"),
        (["--like", "390", "--published", str(PUBLISHED.parent)], "holds none of DfE's"),
        (["--like", "390"], "go together"),
        (["--published", str(PUBLISHED)], "go together"),
        (["--like", "390", "--published", str(PUBLISHED), "--plans", "9"], "leave out --plans"),
    ],
)
def test_a_wrong_request_is_refused(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = tmp_path / "extract"
    monkeypatch.setattr("sys.argv", ["sen2", "sample", str(folder), *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not folder.exists()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 9), st.booleans())
def test_a_table_with_possible_sums_keeps_them_all(
    seed: int, row_count: int, column_count: int, is_bounded: bool
) -> None:
    rng = np.random.default_rng(seed)
    possible = rng.poisson(rng.gamma(0.3, 5, (row_count, column_count)))
    shape = rng.random(possible.shape)
    shape[(rng.random(possible.shape) < 0.4) & (possible == 0)] = 0
    most = possible + rng.integers(0, 3, possible.shape) if is_bounded else None
    table = whole_table(shape, possible.sum(axis=1), possible.sum(axis=0), most)
    assert (table.sum(axis=1) == possible.sum(axis=1)).all()
    assert (table.sum(axis=0) == possible.sum(axis=0)).all()
    assert (table >= 0).all()
    assert (table[shape == 0] == 0).all()
    assert most is None or (table <= most).all()


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_parts_add_up(total: int, weights: list[float]) -> None:
    parts = share_out(total, np.array(weights))
    assert parts.sum() == total
    assert (parts >= 0).all()
