"""DfE's published tables as they are downloaded, for one authority.

A folder holds the tables of a release, one file each, named as `releases` knows them, and rows of
it that DfE corrected later, which go before. Rows that DfE gives apart, such as counts by age of
one year, may be in a file of their own. Figures have our names, whatever the release calls them.
"""

import csv
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ... import spec
from ...ground.errors import InputError
from ...land import releases

WHOSE = ("time_period", "old_la_code", "new_la_code", "la_name")


class NoFiguresError(InputError):
    """The tables hold no plans in force of the authority in the year."""


class Row(dict[str, str]):
    """A row of a file, which knows where it stands, so that what is wrong in it can be said."""

    def __init__(self, values: dict[str, str], path: Path, line: int) -> None:
        """`line` is the row as a spreadsheet counts."""
        super().__init__(values)
        self.path, self.line = path, line


# What tells an authority's rows apart, and what does not count anything.
LABELS = frozenset(
    {
        "time_period", "time_identifier", "geographic_level", "country_code", "country_name",
        "region_code", "region_name", "new_la_code", "old_la_code", "la_name", "breakdown_topic",
        "breakdown", "characteristic_age", "establishment_group", "establishment_type",
    }
)  # fmt: skip


# What tells the rows of a table of an authority and period apart.
ROW_KEYS = (
    "breakdown_topic", "breakdown", "characteristic_age", "establishment_group",
    "establishment_type",
)  # fmt: skip

# Answers that a return gives in words; the form's third officer is in no return of later years.
ANSWERS = ("DMO", "DCO", "des_med_off", "des_clin_off", "des_so_care_off")


@dataclass(frozen=True)
class Cell:
    """One published figure of one authority."""

    dataset: str
    time_period: str
    breakdown_topic: str
    breakdown: str
    column: str
    value: str


@dataclass(frozen=True)
class Table:
    """The rows of a file: by authority (three-digit code) and period, and England's."""

    own: dict[tuple[str, str], list[Row]]
    england: list[Row]


@cache
def _files(folder: Path) -> dict[str, list[releases.ReleaseFile]]:
    """The folder's files by dataset, the corrected ones last."""
    found: dict[str, list[releases.ReleaseFile]] = {}
    for file in sorted(releases.find(folder), key=lambda file: file.is_corrected):
        found.setdefault(file.dataset, []).append(file)
    return found


@cache
def _table(folder: Path, dataset: str, path: Path) -> Table:
    """The rows of a file with the figures under our names; read once."""
    (known,) = [file for file in _files(folder)[dataset] if file.path == path]
    kept = known.figures | {name: name for name in known.header if name in LABELS}
    found: dict[tuple[str, str], list[Row]] = {}
    england: list[Row] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in WHOSE if name not in (reader.fieldnames or [])]
            if missing:
                raise InputError(
                    f"{path}, row 1: the column {missing[0]} is missing. {releases.REMEDY}"
                )
            for row in reader:
                if None in row or None in row.values():
                    raise InputError(
                        f"{path}, row {reader.line_num}: does not fit the columns of the header."
                        f" {releases.REMEDY}"
                    )
                values = {kept[name]: value for name, value in row.items() if name in kept}
                if row["la_name"]:
                    key = (row["old_la_code"], row["time_period"])
                    found.setdefault(key, []).append(Row(values, path, reader.line_num))
                elif row.get("geographic_level") == "National":
                    england.append(Row(values, path, reader.line_num))
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text. {releases.REMEDY}") from None
    except csv.Error:
        raise InputError(f"{path}: is not a CSV file. {releases.REMEDY}") from None
    return Table(found, england)


@cache
def _withdrawn(folder: Path, dataset: str, path: Path) -> list[tuple[str | None, str | None]]:
    """The topics and figures of a file that DfE has corrected since, None for any."""
    there = {
        (row["time_period"], row.get("breakdown_topic"), row.get("breakdown"), figure, value)
        for row in _table(folder, dataset, path).england
        for figure, value in row.items()
    }
    return [
        (row["breakdown_topic"], None) if row["is_whole_topic"] == "true" else (None, row["figure"])
        for row in spec.seed("published_corrections")
        if row["dataset"] == dataset
        and (
            row["time_period"], row["breakdown_topic"], row["breakdown"], row["figure"],
            row["withdrawn"],
        ) in there
    ]  # fmt: skip


@cache
def _authorities(folder: Path) -> dict[str, tuple[str, str]]:
    """The authorities in the folder's files: three-digit code to GSS code and name, the newest."""
    newest: dict[str, tuple[str, str, str]] = {}
    for file in (file for files in _files(folder).values() for file in files):
        for (old, period), rows in _table(folder, file.dataset, file.path).own.items():
            one = (period[:4], rows[0]["new_la_code"], rows[0]["la_name"])
            newest[old] = max(newest.get(old, one), one)
    return {old: (new, name) for old, (_, new, name) in sorted(newest.items())}


def authorities(folder: Path) -> list[str]:
    """The three-digit codes of the authorities in the folder's files."""
    return list(_authorities(folder))


class Published:
    """The published figures of one authority."""

    def __init__(self, folder: Path, authority: str) -> None:
        """Find the authority by its name, its nine-character code or its three-digit code.

        Raises InputError when the folder's files do not hold it.
        """
        known = _authorities(folder)
        wanted = authority.strip().casefold()
        found = [
            old
            for old, names in known.items()
            if wanted in {old, *(part.casefold() for part in names)}
        ]
        if len(found) != 1:
            names = [name for _, name in known.values()]
            near = difflib.get_close_matches(authority, names, 3)
            raise InputError(
                f"--like {authority}: DfE's tables in {folder} hold"
                f" {'no' if not found else 'more than one'} authority of that name or code. Give"
                " its name as published, its GSS code or its three-digit code."
                + (f" Near: {', '.join(near)}." if near else "")
            )
        self.folder, self.old_code = folder, found[0]
        self.new_code, self.name = known[self.old_code]

    def rows(self, dataset: str, period: str) -> list[Row]:
        """The authority's rows of a dataset such as caseload in a period such as 202425.

        Of a row that several files have it is the corrected one. What DfE has corrected since is
        left out. Raises InputError when the dataset's file is not there.
        """
        found: dict[tuple[str, ...], Row] = {}
        for path in self._paths(dataset):
            own = _table(self.folder, dataset, path).own
            withdrawn = _withdrawn(self.folder, dataset, path)
            for written in _written(dataset, period):
                for row in own.get((self.old_code, written), []):
                    if (row.get("breakdown_topic"), None) in withdrawn:
                        continue
                    key = tuple(row.get(name, "") for name in ROW_KEYS)
                    without = {name for topic, name in withdrawn if topic is None}
                    values = {k: v for k, v in row.items() if k not in without}
                    found[key] = Row(values, row.path, row.line)
        return list(found.values())

    def _paths(self, dataset: str) -> list[Path]:
        """The files of a dataset; rows given apart do not make up for its own."""
        known = {row["dataset"]: row["release"] for row in spec.seed("published_datasets")}
        paths = [file.path for file in _files(self.folder).get(dataset, [])]
        name = f"rel{known[dataset]}_{dataset}.csv"
        corrected = name.replace("rel", "rev", 1)
        if not any(path.name in (name, corrected, f"{dataset}.csv") for path in paths):
            raise InputError(
                f"{self.folder / name} is missing: --like needs every table of its release."
            )
        return paths

    def no_figures(self, dataset: str, period: str) -> NoFiguresError:
        """What to raise when a dataset has no row of the authority in a period."""
        path, *_ = self._paths(dataset)
        own = _table(self.folder, dataset, path).own
        periods = sorted(known for old, known in own if old == self.old_code)
        return NoFiguresError(
            f"{path} has no figures of {self.name} for {period} (its periods:"
            f" {', '.join(periods) or 'none'}). Give another --year, or a newer file."
        )

    def total(self, dataset: str, period: str) -> Row | None:
        """The authority's one row for everybody; None when there is none."""
        rows = self.rows(dataset, period)
        everybody = [r for r in rows if r.get("breakdown_topic") == r.get("breakdown")]
        return everybody[0] if everybody else None


def _written(dataset: str, period: str) -> list[str]:
    """How files write a period: DfE has written the academic year for a calendar year too."""
    (kind,) = [r["period"] for r in spec.seed("published_datasets") if r["dataset"] == dataset]
    academic = f"{period}{(int(period) + 1) % 100:02d}" if kind == "calendar_year" else period
    return list(dict.fromkeys([period, academic]))


def count(row: Row | None, column: str) -> int | None:
    """A published count; None for DfE's symbols, and without a row.

    Raises InputError for a column that is not there, and what is neither a number nor a symbol.
    """
    if row is None:
        return None
    if column not in row:
        raise InputError(f"{row.path}, row 1: the column {column} is missing. {releases.REMEDY}")
    text = row[column]
    if text.isascii() and text.isdigit():
        return int(text)
    symbols = [item["symbol"] for item in spec.seed("published_symbols")]
    if text not in symbols:
        raise InputError(
            f"{row.path}, row {row.line}, column {column}: is neither a whole number nor one of"
            f" DfE's symbols ({', '.join(symbols)}). {releases.REMEDY}"
        )
    return None


def defect(row: Row | None, dataset: str, column: str) -> str:
    """What is known to be wrong with a count; nothing when nothing is known."""
    found = [
        item["what"]
        for item in spec.seed("published_defects")
        if row
        and (item["dataset"], item["figure"]) == (dataset, column)
        and item["time_period"] == row["time_period"]
        and item["old_la_code"] in ("", row["old_la_code"])
        and item["region_name"] in ("", row.get("region_name"))
    ]
    return "; ".join(found)


def answers(row: Row) -> dict[str, str]:
    """The answers on officers in a row."""
    words = {row["symbol"] for row in spec.seed("published_symbols") if row["is_answer"] == "true"}
    return {name: row[name] for name in ANSWERS if row.get(name) in words}


def counts(row: Row) -> dict[str, int]:
    """Every count of a row: whole numbers in columns that are no percentages."""
    return {
        column: int(text)
        for column, text in row.items()
        if column not in LABELS
        and not column.lower().startswith("pc_")
        and not column.lower().endswith(("_pc", "rate"))
        and text.isascii()
        and text.isdigit()
    }


def cells(dataset: str, rows: Iterable[Row]) -> Iterator[Cell]:
    """The counts of rows as cells."""
    for row in rows:
        for column, value in (*counts(row).items(), *answers(row).items()):
            yield Cell(
                dataset,
                row["time_period"],
                row.get("breakdown_topic", row.get("establishment_group", "")),
                row.get(
                    "breakdown", row.get("establishment_type", row.get("characteristic_age", ""))
                ),
                column,
                str(value),
            )
