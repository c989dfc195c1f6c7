"""DfE's published tables from the authority's own return, as CSV files laid out as DfE's are.

The tables are those of the schema `published`; the seed published_columns says in what order and
spelling their columns stand in DfE's files. They hold counts, and no person's identifier.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from . import places, spec, spreadsheet
from . import warehouse as warehouses
from .errors import DefectError, InputError
from .warehouse import quoted

NOTES = "README.md"
OURS = {
    "figure_changes": (
        "Every figure beside last year's, and every share beside the band seen nationally: from the"
        " 2nd to the 98th percentile of the authorities that DfE has published it of."
    ),
    "stock_reconciliation": (
        "This year's plans made up from last year's by what came and went between the survey days,"
        " and the difference that is left over. What is not known is blank."
    ),
}
"""Tables beside DfE's that are our own, and what they hold."""


def layout(year: int) -> tuple[spec.Row, ...]:
    """The columns of the release that a collection year's tables are laid out as.

    The years of the aggregated form have the tables of its last release, later years those of the
    newest that was read: DfE publishes the whole series again in its newest layout.
    """
    is_form = spec.collection(year).has_aggregated
    return spec.seed("published_columns_2022" if is_form else "published_columns")


def headings(year: int) -> dict[str, list[str]]:
    """Every dataset that is built to its columns, in DfE's order and spelling."""
    datasets: dict[str, list[str]] = {}
    for row in layout(year):
        if row["position"]:
            datasets.setdefault(row["dataset"], []).append(row["column_name"])
    return datasets


def write_published(warehouse: Path, return_id: str, year: int, out: Path) -> list[Path]:
    """Write every table of a return to `out`/published, and beside them what to know about them.

    The paths of the tables are returned; none for a year that has no published tables, or when the
    warehouse holds no such return of the year. Files of an earlier run do not stay.
    """
    folder = out / places.PUBLISHED
    names = [f"{dataset}.csv" for dataset in (*headings(year), *OURS)]
    with warehouses.connect(warehouse, read_only=True) as connection:
        authority = _authority(connection, return_id, year)
        if not authority:
            for name in (*names, NOTES):
                (folder / name).unlink(missing_ok=True)
            return []
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as temporary:
            drafts = Path(temporary)
            for dataset, columns in headings(year).items():
                rows = _rows(connection, dataset, return_id, len(columns))
                _write(drafts / f"{dataset}.csv", columns, rows)
            for name in OURS:
                _write(drafts / f"{name}.csv", *_our_table(connection, name, return_id))
            notes = _notes(connection, return_id, year, authority)
            (drafts / NOTES).write_text(notes, encoding="utf-8")
            for name in (*names, NOTES):
                _publish(drafts / name, folder / name)
    return [folder / name for name in names]


def _authority(connection: duckdb.DuckDBPyConnection, return_id: str, year: int) -> str | None:
    """The name of the return's authority; None when there is no such return with tables."""
    try:
        found = connection.execute(
            "select coalesce(nullif(la_name, 'x'), 'Authority ' || old_la_code)"
            " from (select return_id, collection_year, la_name, old_la_code"
            " from published.published_returns union all"
            " select return_id, survey_year::integer, la_name, old_la_code"
            " from published.form_authority)"
            " where return_id = ? and collection_year = ?",
            [return_id, year],
        ).fetchone()
    except duckdb.CatalogException:
        raise InputError("The warehouse has no published tables. Run `sen2 build` first.") from None
    return found[0] if found else None


def _rows(
    connection: duckdb.DuckDBPyConnection, dataset: str, return_id: str, width: int
) -> list[tuple[str, ...]]:
    """The rows of a table in DfE's order, without our key; a table of another width is a defect."""
    table = f"published.{quoted(dataset)}"
    order = [
        (row["breakdown_topic"], row["breakdown"])
        for row in spec.seed("published_breakdowns")
        if row["dataset"] == dataset
    ]
    found = connection.execute(
        f"select * exclude (return_id) from {table} where return_id = ? order by rowid", [return_id]
    )
    names = [column[0] for column in found.description]
    if len(names) != width:
        raise DefectError(f"{table} has not the columns of seeds/spec/published_columns.csv.")
    rows = found.fetchall()
    if not order:
        return rows
    topic, breakdown = names.index("breakdown_topic"), names.index("breakdown")
    return sorted(rows, key=lambda row: order.index((row[topic], row[breakdown])))


def _our_table(
    connection: duckdb.DuckDBPyConnection, name: str, return_id: str
) -> tuple[list[str], list[tuple[str, ...]]]:
    """The columns and rows of a table of our own, in its own order and without our key."""
    found = connection.execute(
        f"select * exclude (return_id) from published.{name} where return_id = ? order by rowid",
        [return_id],
    )
    columns = [column[0] for column in found.description]
    return columns, [tuple(map(_text, row)) for row in found.fetchall()]


def _text(value: object) -> str:
    """A value as it is written: whole numbers without a point, yes and no as true and false."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _write(path: Path, columns: list[str], rows: Iterable[tuple[str, ...]]) -> None:
    """One CSV file, as DfE's 2025 files are: UTF-8 with a byte-order mark, lines ended by CRLF."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = spreadsheet.Writer(file, "\r\n")
        writer.row(columns)
        writer.rows(rows)


def _publish(draft: Path, path: Path) -> None:
    """Put a finished file in its place."""
    try:
        draft.replace(path)
    except PermissionError:
        raise InputError(
            f"{path}: cannot be replaced; close it where it is open and run again."
        ) from None


def _notes(connection: duckdb.DuckDBPyConnection, return_id: str, year: int, authority: str) -> str:
    """What a reader of the files must know: how they differ from DfE's, what could not be told."""
    unknown, unlisted = connection.execute(
        "select count(*) filter (setting = 'unknown'),"
        " count(*) filter (setting = 'placement_unknown' and setting_status <> 'nothing usable')"
        " from published.placements_counted where return_id = ?",
        [return_id],
    ).fetchone() or (0, 0)
    columns = layout(year)
    releases = sorted({int(row["release"]) for row in columns})
    lines = [
        f"# {authority}: DfE's published tables from the return of {year} (`{return_id}`)",
        "",
        f'The tables of "Education, health and care plans", laid out as in the {releases[0]}'
        " release: its columns, spellings and symbols (x not available, z not applicable). What"
        " each column counts is in seeds/spec/published_columns*.csv.",
        "",
        "- Nothing is suppressed or rounded, as in DfE's tables: a count of one is one person."
        " Handle the files as you handle the return.",
        "- A breakdown with nobody in it has a row with 0; DfE leaves it out.",
        *(f"- {name}.csv is no table of DfE's but ours. {what}" for name, what in OURS.items()),
    ]
    if "annual_reviews" in headings(year):
        lines += [
            "- In the names of annual_reviews.csv, 25 means the year of the survey and 24 the year"
            " before it.",
            "- In ceased_plans.csv, `other` is reason 9 and `not_rec` no reason: DfE's labels of"
            " the two look swapped.",
        ]
    if unknown:
        lines.append(
            f"- {unknown:,} plans are at a setting that only the register of establishments can"
            " tell, and the extract had none (or none with UKPRNs): the columns and rows that it"
            " would tell are x. Add establishments.csv to the extract."
        )
    if unlisted:
        lines.append(
            f"- {unlisted:,} plans are at an establishment that establishments.csv does not hold,"
            " or whose type is not known here: they are counted as placement not recorded."
        )
    later = [row for row in columns if not row["position"]]
    if later:
        lines += ["", f"## What the {releases[-1]} release changes, noted and not built", ""]
    lines += [f"- {row['dataset']}.csv, `{row['column_name']}`: {row['label']}." for row in later]
    return "\n".join(lines) + "\n"
