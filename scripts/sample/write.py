"""A whole extract: drawn, given its faults, and written with the expected answers beside it."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from .. import spec
from ..ground.errors import InputError
from .authority import CaseMaker
from .expected import write_expected
from .faults import plant_faults, write_planted
from .figures import Figures
from .like import Likeness, write_likeness
from .parts import draw_parts
from .survey import read_survey
from .whole import Sample, make_sample

MOST_PLANS = 1_000_000
MOST_FAULTS = 0.5


@dataclass(frozen=True)
class SampleCounts:
    """Rows written by table, and how many faults were planted."""

    rows: dict[str, int]
    people_in_return: int
    faults: int

    def words(self) -> str:
        """What was written, in a sentence."""
        planted = f", {self.faults:,} faults planted" if self.faults else ""
        return (
            f"{sum(self.rows.values()):,} rows, {self.people_in_return:,} synthetic people to"
            f" return{planted}; the right answers are in expected/"
        )


README = """This extract is synthetic. No real child, family or establishment is in it: every name,
date, number and address was drawn at random by `sen2 sample`. The proportions follow DfE's
published SEN2 statistics (scripts/sample/figures.csv says which).

The folder expected/ holds what a right answer looks like; it is not part of the extract.
"""


def draw_sample(year: int, plans: int, seed: int, la_code: str) -> Sample:
    """Draw a whole extract; nothing is written."""
    survey, figures = read_survey(year), Figures()
    rng = np.random.default_rng([seed, year, plans])
    cases = CaseMaker(rng, figures, survey).make(plans)
    return make_sample(draw_parts(survey, figures, rng, cases, la_code))


def check_folder(folder: Path) -> None:
    """Refuse a folder that is in use."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not an empty folder: choose a new one.")


def check_arguments(folder: Path, year: int, plans: int, faults: float) -> None:
    """Refuse what cannot be written, before anything is drawn."""
    check_folder(folder)
    if not 1 <= plans <= MOST_PLANS:
        raise InputError(f"--plans must be from 1 to {MOST_PLANS:,}.")
    if not 0 <= faults <= MOST_FAULTS:
        raise InputError(f"--faults must be a share from 0 to {MOST_FAULTS}.")
    spec.collection(year)


def write_sample(
    folder: Path, year: int, plans: int, seed: int, faults: float = 0.0, la_code: str = "330"
) -> SampleCounts:
    """Write a synthetic extract with `plans` active plans and faults in a share of people.

    Raises InputError for a folder in use, a size or share out of range, and a year with no survey.
    """
    check_arguments(folder, year, plans, faults)
    sample = draw_sample(year, plans, seed, la_code)
    planted = plant_faults(sample, faults, np.random.default_rng([seed, year, plans, 1]))
    counts = write_whole(sample, folder, len(planted))
    if faults:
        write_planted(sample, planted, folder / "expected" / "planted_faults.csv")
    return counts


def write_like(folder: Path, year: int, authority: str, published: Path, seed: int) -> SampleCounts:
    """Write a synthetic extract whose figures are those DfE published of an authority.

    `published` holds DfE's tables. Raises InputError for a folder in use, a year with no survey,
    and an authority or year that the tables do not have.
    """
    check_folder(folder)
    likeness = Likeness(year, authority, published, seed)
    counts = write_whole(likeness.make(), folder, 0)
    write_likeness(likeness, folder / "expected")
    (folder / "README.txt").write_text(README + likeness.note(), encoding="utf-8")
    return counts


def write_whole(sample: Sample, folder: Path, faults: int) -> SampleCounts:
    """Write the tables, and beside them the expected answers."""
    expected = folder / "expected"
    expected.mkdir(parents=True)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set enable_progress_bar = false")
        for table in sample.tables.values():
            table.write(folder / f"{table.name}.csv", connection)
        write_expected(sample, expected, connection)
    note = f'la_code: "{sample.la_code}"\nextracted_on: {sample.survey.day}\n'
    (folder / "extract.yml").write_text(note, encoding="utf-8")
    (folder / "README.txt").write_text(README, encoding="utf-8")
    return SampleCounts(
        rows={name: table.rows_in_file for name, table in sample.tables.items()},
        people_in_return=len(np.unique(sample.cases.person[sample.in_return])),
        faults=faults,
    )
