"""Extracts made to published figures: the models give the figures back, cell by cell."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen2 import proof
from sen2.errors import InputError
from sen2.sample import write_like
from sen2.sample.like.allocate import share_out, whole_table
from sen2.sample.like.published import Published

from .conftest import once

PUBLISHED = Path(__file__).parent / "published"
AUTHORITIES = ("Gateshead", "Knowsley", "Hartlepool")
# What DfE counts as not recorded is left out of the extract, and a provider that is only on the
# register of learning providers is on no register here; the rules report both.
NOT_RECORDED = {"D02", "D04", "L04", "L06"}


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> proof.Pipeline:
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "proof"
    with once(folder, "compiled"):
        return proof.Pipeline(folder)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("year", [2022, 2025])
def test_the_models_give_the_published_figures_back(
    pipeline: proof.Pipeline, year: int, tmp_path: Path
) -> None:
    for name in AUTHORITIES:
        proven = proof.prove_one(pipeline, year, PUBLISHED, name, tmp_path)
        assert proven is not None
        result, differences = proven
        assert result.compared > 150
        assert [item for item in differences if not item.why] == []
        withdrawn = {"assess_withdrawn", "assess_in_year"} if name == "Hartlepool" else set()
        assert {item.column for item in differences} == (withdrawn if year == 2025 else set())
        errors = {part.split()[0] for part in result.errors.split("; ") if part}
        assert errors <= (NOT_RECORDED if year == 2025 else set())
        expected = {
            (row["dataset"], row["column"])
            for row in rows(tmp_path / "extract/expected/published.csv")
        }
        assert len(expected) > 40
        assert not expected & {(item.dataset, item.column) for item in differences}


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_like(tmp_path / name, 2025, "Gateshead", PUBLISHED, 3)
    for path in sorted((tmp_path / "one").rglob("*.*")):
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_an_authority_is_found_by_name_and_by_either_code() -> None:
    found = {Published(PUBLISHED, text).name for text in ("gateshead", "E08000037", "390")}
    assert found == {"Gateshead"}


@pytest.mark.parametrize(
    ("year", "authority", "folder"),
    [(2025, "Nowhere", PUBLISHED), (2024, "Gateshead", PUBLISHED), (2025, "390", Path("nowhere"))],
)
def test_what_is_not_published_is_an_input_error(
    tmp_path: Path, year: int, authority: str, folder: Path
) -> None:
    with pytest.raises(InputError):
        write_like(tmp_path / "extract", year, authority, folder, 1)
    assert not (tmp_path / "extract").exists()


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
