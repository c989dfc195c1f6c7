"""DfE's own published tables: the files of a release, landed for last year's figures and the bands.

The files are those of "Education, health and care plans" as DfE gives them: `<dataset>.csv`, also
`rel<year>_<dataset>.csv` where the release is named, `rev<year>_<dataset>.csv` as DfE corrected it
later. Which release's columns a file has is told by its header. They hold statistics of every
authority and no person's record. Landed are the rows of authorities: every row of the authority's
own, and of the others those that the national bands are made of, which are no breakdowns but in the
2022 release.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from .. import spec, warehouse
from ..export import published_tables
from ..ground import files
from ..ground.errors import InputError
from ..untrusted.parsers import csv_faults

TABLE = "published_figures"
NAME = re.compile(r"(?:(?P<kind>rel|rev)(?P<release>\d{4})_)?(?P<name>.+)")
CORRECTED, WITHDRAWN = "corrected", "withdrawn"
AREA = frozenset(
    {
        "time_period", "time_identifier", "geographic_level", "country_code", "country_name",
        "region_code", "region_name", "new_la_code", "old_la_code", "la_name", "breakdown_topic",
        "breakdown", "characteristic_age", "establishment_group", "establishment_type",
    }
)  # fmt: skip
"""The columns of any table that say of whom and when, and no figure."""
REMEDY = "Take the file again as DfE gives it, and do not save it in a spreadsheet."


@dataclass(frozen=True)
class ReleaseFile:
    """One file of a release: its table, and its columns as they are called where it is read."""

    path: Path
    release: str | None
    dataset: str
    header: list[str]
    topic: str | None
    row: str | None
    figures: dict[str, str]
    """Columns of the file to the figures they are, in the spelling of our tables."""
    layout: int
    """The release whose columns the file has."""
    is_corrected: bool
    """Whether the name says that DfE had corrected it."""


def land(
    connection: duckdb.DuckDBPyConnection, folder: Path | None, la_code: str | None
) -> tuple[int, int]:
    """Replace raw.published_figures by what the folder's files hold; without a folder, by nothing.

    A file that is wrong stops it and leaves the table as it was.

    Gives the number of files read and of figures that are the authority's own. Of every other
    authority only the rows that a share is banded for are kept; without `la_code`, of all.

    Raises InputError that names the file, row and column of what is wrong.
    """
    files = find(folder) if folder is not None else []
    connection.begin()
    try:
        connection.execute(f"delete from raw.{TABLE}")
        for file in files:
            _load(connection, file, la_code)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    own = connection.execute(
        f"select count(*) from raw.{TABLE} where la_code = ?", [la_code]
    ).fetchone()
    return len(files), own[0] if own else 0


def find(folder: Path) -> list[ReleaseFile]:
    """The files of a folder that are tables of a release we know, in the order of their names."""
    if not folder.is_dir():
        raise InputError(
            f"{folder}: there is no such folder. Give the folder of DfE's published CSV files."
        )
    datasets = {row["dataset"]: row for row in spec.seed("published_datasets")}
    others = {row["file_name"]: row["dataset"] for row in spec.seed("published_files")}
    files = []
    for path in sorted(folder.glob("*.csv")):
        named = NAME.fullmatch(path.stem)
        name = table_name(path)
        if dataset := datasets.get(others.get(name, name)):
            files.append(
                _inspect(
                    path,
                    named["release"] if named else None,
                    dataset,
                    is_corrected=bool(named and named["kind"] == "rev"),
                )
            )
    if not files:
        names = ", ".join(f"{name}.csv" for name in datasets)
        raise InputError(
            f"{folder}: holds none of DfE's published tables. Their names are {names}, or the same"
            " after rel<year>_ or rev<year>_."
        )
    return files


def table_name(path: Path) -> str:
    """What a file's name says of its table, without the release."""
    named = NAME.fullmatch(path.stem)
    return named["name"] if named else path.stem


def _inspect(
    path: Path, release: str | None, dataset: spec.Row, *, is_corrected: bool
) -> ReleaseFile:
    """Read a file's header; what it must have and has not is an input error."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file, csv_faults(path):
            given = next(csv.reader(file), [])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text. {REMEDY}") from None
    # DfE once had one name twice; the second time it is no column that is known.
    header: list[str] = []
    for name in given:
        header.append(f"{name}.{header.count(name)}" if name in header else name)
    there = {name.lower(): name for name in header}
    rows = [dataset[key].lower() for key in ("topic_column", "row_column") if dataset[key]]
    missing = [name for name in ("time_period", "old_la_code", *rows) if name not in there]
    layout, figures = _figures(dataset["dataset"], there, release)
    if missing or not figures:
        raise InputError(
            f"{path}, row 1: "
            + (
                f"the column {', '.join(missing)} is missing."
                if missing
                else f"no column is a figure of {dataset['dataset']} in any release that is known"
                " here."
            )
            + f" Is it DfE's table {dataset['dataset']}? {REMEDY}"
        )
    return ReleaseFile(
        path=path,
        release=release,
        dataset=dataset["dataset"],
        header=header,
        topic=there.get(dataset["topic_column"].lower()),
        row=there.get(dataset["row_column"].lower()),
        figures=figures,
        layout=layout,
        is_corrected=is_corrected,
    )


def _figures(
    dataset: str, there: dict[str, str], release: str | None
) -> tuple[int, dict[str, str]]:
    """The release whose columns a header has, and its columns by the figures that they are.

    It is the release with the most of the columns: of several, the one that the file's name says,
    else the newest. `there` holds the header's names by their lower case. Names with a year in them
    are tried in every collection year that the release is known of.
    """
    best: tuple[tuple[int, bool, int], dict[str, str]] = ((0, False, 0), {})
    for known in spec.seed("published_releases"):
        number = int(known["release"])
        first, last = int(known["year_from"]), min(int(known["year_to"]), spec.newest_year())
        for year in range(first, last + 1):
            found = {
                there[row["column_name"].lower()]: row["figure"]
                for row in published_tables.layout(year, number)
                if row["dataset"] == dataset
                and row["figure"] not in AREA
                and row["column_name"].lower() in there
            }
            rank = (len(found), str(number) == release, number)
            if rank > best[0]:
                best = (rank, found)
    return best[0][2], best[1]


def _load(connection: duckdb.DuckDBPyConnection, file: ReleaseFile, la_code: str | None) -> None:
    """Land one file's figures, one row each."""
    names = {name.lower(): name for name in file.header}
    kept = {
        "time_period": names["time_period"],
        "la_code": names["old_la_code"],
        "level": names.get("geographic_level"),
        "breakdown_topic": file.topic,
        "breakdown": file.row,
    }
    columns = ", ".join(
        f"{warehouse.quoted(name) if name else 'null'} as {key}" for key, name in kept.items()
    )
    figures = ", ".join(
        f"{warehouse.quoted(name)} as {warehouse.quoted(figure)}"
        for name, figure in file.figures.items()
    )
    try:
        connection.execute(
            f"create or replace temp table release_file as select {columns}, {figures},"
            f" row_number() over () + 1 as _row from {rows_of(file)}"
        )
    except duckdb.Error as error:
        raise unreadable(file, error) from None
    withdrawn = _withdrawn(connection, file)
    connection.execute(
        "delete from release_file where coalesce(level, 'Local authority') <> 'Local authority'"
    )
    _check_rows(connection, file)
    if file.dataset not in {
        row["dataset"] for row in spec.seed("published_shares") if row["rows"] == "every"
    }:
        # A row that is no breakdown has its topic's own name.
        connection.execute(
            "delete from release_file where la_code is distinct from ?"
            " and breakdown_topic <> breakdown",
            [la_code],
        )
    connection.execute(
        f"create or replace temp table release_figures as unpivot release_file"
        f" on {', '.join(map(warehouse.quoted, file.figures.values()))}"
        " into name figure value value"
    )
    _check_values(connection, file)
    connection.execute(
        f"insert into raw.{TABLE} select ?, ?, time_period, la_code, breakdown_topic, breakdown,"
        " figure, value, ?, _row from release_figures order by _row",
        [_release_words(file), file.dataset, file.path.name],
    )
    for topic, figure in withdrawn:
        connection.execute(
            f"update raw.{TABLE} set release = ? where _file = ?"
            " and coalesce(breakdown_topic = ?, true) and coalesce(figure = ?, true)",
            [f"{file.layout} {WITHDRAWN}", file.path.name, topic, figure],
        )
    connection.execute("drop table release_file; drop table release_figures")


def rows_of(file: ReleaseFile) -> str:
    """SQL that reads a file's rows, every value text."""
    return files.read_csv(
        file.path,
        columns=dict.fromkeys(file.header, "VARCHAR"),
        header=True,
        auto_detect=False,
        delim=",",
        quote='"',
        escape='"',
        strict_mode=True,
        null_padding=False,
        max_line_size=files.LONGEST_LINE,
    )


def unreadable(file: ReleaseFile, error: duckdb.Error) -> InputError:
    """The input error of a file that DuckDB refuses."""
    return InputError(_unreadable(file.path, str(error)))


def _release_words(file: ReleaseFile) -> str | None:
    """The release by the file's name, or by its columns where the name does not say."""
    return f"{file.release} {CORRECTED}" if file.is_corrected else file.release


def _withdrawn(
    connection: duckdb.DuckDBPyConnection, file: ReleaseFile
) -> list[tuple[str | None, str | None]]:
    """The topics and figures of a file that DfE has corrected since, None for any.

    They are known by England's figures: a file that has one as it was before the correction has all
    of them as they were.
    """
    found: dict[tuple[str | None, str | None], None] = {}
    for row in spec.seed("published_corrections"):
        if row["dataset"] != file.dataset or row["figure"] not in file.figures.values():
            continue
        is_there = connection.execute(
            "select count(*) from release_file where level = 'National' and time_period = ?"
            f" and breakdown_topic = ? and breakdown = ? and {warehouse.quoted(row['figure'])} = ?",
            [row["time_period"], row["breakdown_topic"], row["breakdown"], row["withdrawn"]],
        ).fetchone()
        if is_there and is_there[0]:
            is_topic = row["is_whole_topic"] == "true"
            found[(row["breakdown_topic"], None) if is_topic else (None, row["figure"])] = None
    return list(found)


def _unreadable(path: Path, message: str) -> str:
    """What is wrong with a file that DuckDB refuses, without the line that its message quotes."""
    line = re.search(r"Line: (\d+)", message)
    where = f"{path}, line {line[1]}" if line else f"{path}"
    if "unicode" in message.lower() or "utf-8" in message.lower():
        return f"{where}: is not UTF-8 text. {REMEDY}"
    return f"{where}: does not fit the columns of the header. {REMEDY}"


def _check_rows(connection: duckdb.DuckDBPyConnection, file: ReleaseFile) -> None:
    """Every row has a period and an authority."""
    for column, name, form, what in (
        ("time_period", "time_period", r"\d{4}(\d{2})?", "is no year such as 2024 or 202425"),
        ("la_code", "old_la_code", r"\d{3}", "is no number of an authority, three digits"),
    ):
        wrong = connection.execute(
            f"select min(_row) from release_file"
            f" where not coalesce(regexp_full_match({column}, ?), false)",
            [form],
        ).fetchone()
        if wrong and wrong[0] is not None:
            raise InputError(f"{file.path}, row {wrong[0]}, column {name}: {what}. {REMEDY}")


def _check_values(connection: duckdb.DuckDBPyConnection, file: ReleaseFile) -> None:
    """Every figure is a number or one of DfE's symbols and answers."""
    symbols = [row["symbol"] for row in spec.seed("published_symbols")]
    wrong = connection.execute(
        "select _row, figure from release_figures"
        r" where not regexp_full_match(value, '-?\d+(\.\d+)?([eE][-+]?\d+)?')"
        " and not list_contains(?, value) order by _row limit 1",
        [symbols],
    ).fetchone()
    if wrong:
        raise InputError(
            f"{file.path}, row {wrong[0]}, column {wrong[1]}: is neither a number nor one of DfE's"
            f" symbols ({', '.join(symbols)}). {REMEDY}"
        )
