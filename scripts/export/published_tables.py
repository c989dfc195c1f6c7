"""DfE's published tables from the authority's own return, as CSV files laid out as DfE's are.

The tables are those of the schema `published`; the seed published_columns says in what order and
spelling their columns stand in DfE's files. They hold counts, and no person's identifier.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from .. import spec
from ..ground import places, spreadsheet
from ..ground.errors import DefectError, InputError
from ..warehouse import connect, quoted

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


def release_of(year: int, release: int | None = None) -> int:
    """The release that a collection year's tables are written in: the newest that covers the year.

    With `release`, that one. Raises InputError for a release that is not known or has tables of
    another kind of return.
    """
    known = {int(row["release"]): row for row in spec.seed("published_releases")}
    if release is None:
        return max(
            number
            for number, row in known.items()
            if int(row["year_from"]) <= year <= int(row["year_to"])
        )
    is_form = spec.collection(year).has_aggregated
    usable = [
        number
        for number, row in known.items()
        if spec.collection(int(row["year_from"])).has_aggregated == is_form
    ]
    if release not in usable:
        kind = "the aggregated form" if is_form else "a person level return"
        names = " and ".join(map(str, usable))
        raise InputError(
            f"--release {release} (published_release in sen2.yml): the return of {year} is {kind},"
            f" and the releases with tables of one are {names}. Give one of them, or leave it out."
        )
    return release


def layout(year: int, release: int | None = None) -> tuple[spec.Row, ...]:
    """The columns of a release (`release_of`), each with its figure and its name in that year.

    The names that have a year in them have the collection year's.
    """
    number = release_of(year, release)
    is_form = spec.collection(year).has_aggregated
    rows = spec.seed("published_columns_2022" if is_form else "published_columns")
    return tuple(
        {
            **row,
            "figure": row.get("figure", row["column_name"]),
            "column_name": spelled(row["column_name"], year),
        }
        for row in rows
        if int(row["release"]) == number
    )


def spelled(column_name: str, year: int) -> str:
    """A column's name in a collection year: review_expected_{last_year} is review_expected_2025."""
    return column_name.format(
        year=year, last_year=year - 1, yy=f"{year % 100:02}", last_yy=f"{(year - 1) % 100:02}"
    )


def headings(year: int, release: int | None = None) -> dict[str, list[str]]:
    """Every dataset of a release to its columns, in DfE's order and spelling."""
    datasets: dict[str, list[str]] = {}
    for row in layout(year, release):
        datasets.setdefault(row["dataset"], []).append(row["column_name"])
    return datasets


def write_published(
    warehouse: Path, return_id: str, year: int, out: Path, release: int | None = None
) -> list[Path]:
    """Write every table of a return to `out`/published, and beside them what to know about them.

    They are laid out as `release`, else as the newest that covers the year. The paths of the tables
    are returned; none when the warehouse holds no such return of the year. Files of an earlier run
    do not stay, nor those of a table that the release does not have.
    """
    folder = out / places.PUBLISHED
    datasets = headings(year, release)
    names = [f"{dataset}.csv" for dataset in (*datasets, *OURS)]
    others = {f"{row['dataset']}.csv" for row in spec.seed("published_datasets")} - set(names)
    with connect(warehouse, read_only=True) as connection:
        authority = _authority(connection, return_id, year)
        if not authority:
            for name in (*names, *others, NOTES):
                (folder / name).unlink(missing_ok=True)
            return []
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as temporary:
            drafts = Path(temporary)
            for dataset, columns in datasets.items():
                rows = _rows(connection, dataset, return_id, year, release)
                _write(drafts / f"{dataset}.csv", columns, rows)
            for name in OURS:
                _write(drafts / f"{name}.csv", *_our_table(connection, name, return_id))
            notes = _notes(connection, return_id, year, authority, release)
            (drafts / NOTES).write_text(notes, encoding="utf-8")
            for name in (*names, NOTES):
                _publish(drafts / name, folder / name)
            for name in others:
                (folder / name).unlink(missing_ok=True)
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
    connection: duckdb.DuckDBPyConnection,
    dataset: str,
    return_id: str,
    year: int,
    release: int | None,
) -> list[tuple[str, ...]]:
    """The rows and columns of a table that a release has, in DfE's order.

    A table without one of the columns is a defect of ours.
    """
    columns = [row for row in layout(year, release) if row["dataset"] == dataset]
    number = release_of(year, release)
    order = {
        (row["breakdown_topic"], row["breakdown"]): place
        for place, row in enumerate(spec.seed("published_breakdowns"))
        if row["dataset"] == dataset
        and int(row["release_from"]) <= number <= int(row["release_to"])
    }
    selected = ", ".join(quoted(row["figure"]) for row in columns)
    try:
        found = connection.execute(
            f"select {selected} from published.{quoted(dataset)} where return_id = ?"
            " order by rowid",
            [return_id],
        ).fetchall()
    except duckdb.BinderException:
        raise DefectError(
            f"published.{dataset} has not the figures of seeds/spec/published_columns.csv."
        ) from None
    if not order:
        return found
    names = [row["figure"] for row in columns]
    topic, breakdown = names.index("breakdown_topic"), names.index("breakdown")
    known = [row for row in found if (row[topic], row[breakdown]) in order]
    return sorted(known, key=lambda row: order[row[topic], row[breakdown]])


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


def _notes(
    connection: duckdb.DuckDBPyConnection,
    return_id: str,
    year: int,
    authority: str,
    release: int | None,
) -> str:
    """What a reader of the files must know: how they differ from DfE's, what could not be told."""
    unknown, unlisted = connection.execute(
        "select count(*) filter (setting = 'unknown'),"
        " count(*) filter (setting = 'placement_unknown' and setting_status <> 'nothing usable')"
        " from published.placements_counted where return_id = ?",
        [return_id],
    ).fetchone() or (0, 0)
    columns = layout(year, release)
    number = release_of(year, release)
    (known,) = [r for r in spec.seed("published_releases") if r["release"] == str(number)]
    lines = [
        f"# {authority}: DfE's published tables from the return of {year} (`{return_id}`)",
        "",
        f'The tables of "Education, health and care plans", laid out as in the {number}'
        " release: its columns, spellings and symbols (x not available, z not applicable). What"
        " each column counts is in seeds/spec/published_columns*.csv.",
        "",
        f"What is known of that release: {known['what'][0].lower() + known['what'][1:]}."
        + (
            f" DfE's figures are as corrected by {known['corrected_on']}."
            if known["corrected_on"]
            else ""
        ),
        "",
        "- Nothing is suppressed or rounded, as in DfE's tables: a count of one is one person."
        " Handle the files as you handle the return.",
        "- A breakdown with nobody in it has a row with 0; DfE leaves it out.",
        *(f"- {name}.csv is no table of DfE's but ours. {what}" for name, what in OURS.items()),
    ]
    written = {row["figure"] for row in columns}
    if "not_rec" in written:
        lines.append(
            "- In ceased_plans.csv, `other` is reason 9 and `not_rec` no reason: DfE's labels of"
            " the two look swapped."
        )
    unseen: dict[str, list[str]] = {}
    for row in columns:
        if row.get("seen", "whole header") != "whole header":
            unseen.setdefault(row["seen"], []).append(row["dataset"])
    lines += [
        f"- {', '.join(f'{name}.csv' for name in dict.fromkeys(names))}:"
        f" {'columns' if how == 'not seen' else 'some columns'} of the {number} release"
        f" {how if how == 'not seen' else 'are taken ' + how}; they are as in the release before."
        for how, names in unseen.items()
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
    return "\n".join(lines) + "\n"
