"""Last year's figures and the national bands: DfE's files landed, compared and written."""

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from sen2 import spec, warehouse
from sen2.dev import bands
from sen2.export.published_tables import NOTES, OURS, headings, write_published
from sen2.ground.errors import InputError
from sen2.land import releases

from .conftest import YEAR, Built
from .extracts import build_models

AUTHORITY = "330"
AREA = ["time_period", "time_identifier", "geographic_level", "old_la_code", "la_name"]
ROWS = [*AREA, "breakdown_topic", "breakdown"]
STOCK, FLOW = f"{YEAR - 2}{(YEAR - 1) % 100}", str(YEAR - 2)
"""The periods of the collection before: its academic year, and the calendar year before it."""
FIGURE_MISSING = "DfE's file has no such figure"


def write_file(folder: Path, name: str, header: Sequence[str], *rows: Sequence[object]) -> Path:
    """A file as DfE's are."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def row(period: str, la_code: str, topic: str, breakdown: str, *figures: object) -> list[object]:
    """The row of an authority, broken down."""
    words = "Academic year" if len(period) == 6 else "Calendar year"
    return [period, words, "Local authority", la_code, "An authority", topic, breakdown, *figures]


def write_release(folder: Path, caseload: int = 250) -> Path:
    """Two tables of a release: forty authorities, of which 330 has rows by sex."""
    plans, ceased = "All EHC plans", "All ceased EHC plans"
    shares = range(40)
    write_file(
        folder, "rel2025_caseload", [*ROWS, "ehcplans", "neet", "Special_Total_PC"],
        [STOCK, "Academic year", "National", "", "", plans, plans, 999, 9, 30],
        *[row(STOCK, str(900 + n), plans, plans, 1000, n, 30 + n / 10) for n in shares],
        row(STOCK, "900", "Sex", "Female", 400, 1, "x"),
        row(STOCK, AUTHORITY, plans, plans, caseload, 7, "x"),
        row(STOCK, AUTHORITY, "Sex", "Female", 90, 2, 31),
        row("202122", AUTHORITY, plans, plans, 100, 1, 31),
    )  # fmt: skip
    write_file(
        folder, "ceased_plans", [*ROWS, "transfer", "total_ceased", "new_in_this_release"],
        row(FLOW, AUTHORITY, ceased, ceased, 3, 20, "?"),
    )  # fmt: skip
    write_file(
        folder, "rel2025_sen2_dmo_dco", [*AREA, "des_med_off", "des_clin_off"],
        [str(YEAR - 1), "Calendar year", "Local authority", AUTHORITY, "An authority", "No", "Yes"],
    )  # fmt: skip
    write_file(folder, "something_else", ["a", "b"], [1, 2])
    return folder


def plans_last_year(extract: Path) -> int:
    """The plans in force on the survey day before, counted in the extract itself."""
    day = spec.collection(YEAR - 1).survey_day.isoformat()
    with (extract / "plans.csv").open(encoding="utf-8", newline="") as file:
        return sum(
            max(plan["start_date"], plan["transferred_date"]) <= day
            and not "" < plan["cease_date"] <= day
            for plan in csv.DictReader(file)
        )


@pytest.fixture(scope="module")
def compared(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's warehouse with a release landed, and what reads it built again."""
    folder = tmp_path_factory.mktemp("release")
    path = folder / "sen2.duckdb"
    shutil.copy(built.warehouse, path)
    files_folder = write_release(folder / "files", plans_last_year(built.extract))
    with warehouse.connect(path, reaches=[files_folder]) as connection:
        files, own = releases.land(connection, files_folder, AUTHORITY)
    assert (files, own) == (3, 13)
    build_models(path, YEAR)
    return path


def changes(path: Path, dataset: str, breakdown: str) -> dict[str, dict[str, object]]:
    """The figures of a row of a table of ours, by name."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            "from published.figure_changes"
            " where return_id = 'built' and dataset = ? and breakdown = ?",
            [dataset, breakdown],
        )
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    return {str(each["figure"]): each for each in rows}


def test_a_figure_stands_beside_last_year_s_with_where_that_stands(
    compared: Path, built: Built
) -> None:
    before = plans_last_year(built.extract)
    figures = changes(compared, "caseload", "All EHC plans")
    plans = figures["ehcplans"]
    assert plans["last_year"] == str(before)
    assert plans["last_year_source"] == "rel2025_caseload.csv, row 44"
    now = int(str(plans["this_year"]))
    assert plans["change"] == now - before
    assert plans["change_percent"] == pytest.approx(100 * (now - before) / before, abs=0.051)
    assert figures["special_total_pc"]["last_year"] is None
    assert figures["special_total"]["last_year"] is None
    women = changes(compared, "caseload", "Sex: Female")
    assert women["ehcplans"]["last_year"] == "90"
    assert women["special_total_pc"]["last_year"] == "31"
    assert women["special_total_pc"]["change_percent"] is None
    assert changes(compared, "ceased_plans", "All ceased EHC plans")["transfer"]["last_year"] == "3"
    officers = changes(compared, "sen2_dmo_dco", "Authority")
    assert officers["des_med_off"]["last_year"] == "No"
    assert officers["des_so_care_off"]["last_year"] is None


def test_a_row_that_dfe_leaves_out_is_0_where_it_gives_the_topic(compared: Path) -> None:
    men = changes(compared, "caseload", "Sex: Male")["ehcplans"]
    assert (men["last_year"], men["last_year_source"]) == ("0", "no row in DfE's file, so 0")
    assert changes(compared, "caseload", "Sex: Male")["special_total_pc"]["last_year"] is None
    aged = changes(compared, "caseload", "Child or young persons age: age 10")
    assert aged["ehcplans"]["last_year"] is None


def test_a_band_is_of_the_files_given_and_else_as_shipped(compared: Path) -> None:
    figures = changes(compared, "caseload", "All EHC plans")
    # 0.0 to 3.9 % of forty authorities and one more: of 41 the band leaves out nearly one each end.
    neet = figures["neet"]
    assert (neet["band_low"], neet["band_high"], neet["band_authorities"]) == (0.1, 3.8, 41)
    share = 100 * int(str(neet["this_year"])) / int(str(figures["ehcplans"]["this_year"]))
    assert neet["share"] == pytest.approx(share, abs=0.051)
    assert neet["is_outside_band"] == (not 0.1 <= round(share, 1) <= 3.8)
    special = figures["special_total_pc"]
    assert (special["band_low"], special["band_high"]) == (30.1, 33.8)
    shipped = {
        each["figure"]: each
        for each in spec.seed("national_bands")
        if each["dataset"] == "caseload" and each["collection_year"] == str(YEAR - 1)
    }
    mainstream = figures["mainstream_total_pc"]
    assert str(mainstream["band_high"]) == shipped["mainstream_total_pc"]["high"]
    assert figures["ehcplans"]["band_low"] is None
    assert changes(compared, "caseload", "Sex: Female")["special_total_pc"]["band_low"] is None


def test_every_figure_of_every_table_is_there_once(compared: Path) -> None:
    with duckdb.connect(str(compared), read_only=True) as connection:
        found = connection.execute(
            "select dataset, count(distinct figure), count(*) from published.figure_changes"
            " where return_id = 'built' group by dataset"
        ).fetchall()
    for dataset, figures, rows in found:
        columns = headings(YEAR)[dataset]
        after = columns.index("breakdown" if "breakdown" in columns else "la_name")
        assert figures == len(set(columns[after + 1 :]))
        breakdowns = [r for r in spec.seed("published_breakdowns") if r["dataset"] == dataset]
        assert rows == figures * max(1, len(breakdowns))
    assert {dataset for dataset, _, _ in found} == set(headings(YEAR))


def test_files_of_the_release_before_give_every_figure_its_last_year(
    built: Built, tmp_path: Path
) -> None:
    """A return's own tables, as files of DfE, are last year's of the next year's return."""
    path = tmp_path / "sen2.duckdb"
    shutil.copy(built.warehouse, path)
    for release, missing in (
        (None, {"DfE gives no number for it"}),
        (
            2025,
            {
                "DfE gives no number for it",
                "DfE's file has no such figure",
                "DfE's file has no such row",
                "no file of DfE's and no return of the year before has the table",
            },
        ),
    ):
        write_published(built.warehouse, "built", YEAR, tmp_path, release)
        with warehouse.connect(path, reaches=[tmp_path]) as connection:
            releases.land(connection, tmp_path / "published", AUTHORITY)
        build_models(path, YEAR + 1)
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute(
                "select dataset, figure, no_last_year, last_year from published.figure_changes"
                " where return_id = 'built'"
            ).fetchall()
        assert {why for _, _, why, _ in found} == {None, *missing}
        assert all((why is None) == (value is not None) for *_, why, value in found)
        without = {(name, figure) for name, figure, why, _ in found if why == FIGURE_MISSING}
        if release:
            assert ("caseload", "special_academy") in without
            assert ("sen_needs_all_plans", "number_ds") in without
            assert ("caseload", "special_total") not in without
        else:
            expected = [v for name, f, _, v in found if f == "review_expected"]
            assert expected
            assert None not in expected


def test_the_changes_are_written_beside_dfe_s_tables(compared: Path, tmp_path: Path) -> None:
    write_published(compared, "built", YEAR, tmp_path)
    with (tmp_path / "published" / "figure_changes.csv").open(encoding="utf-8-sig") as file:
        written = list(csv.DictReader(file))
    assert written[0]["dataset"] == "caseload"
    assert int(written[0]["last_year"]) > 0
    assert float(written[0]["change"]).is_integer()
    assert "." not in written[0]["change"]
    assert {each["is_outside_band"] for each in written} <= {"true", "false", ""}
    assert not set(OURS) & set(headings(YEAR))
    notes = (tmp_path / "published" / NOTES).read_text(encoding="utf-8")
    assert "figure_changes.csv is no table of DfE's but ours" in notes


def test_plans_that_came_and_went_explain_this_year_s_from_last_year_s(
    compared: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(compared), read_only=True) as connection:
        found = connection.execute(
            "select component, plans from published.stock_reconciliation"
            " where return_id = 'built' order by position"
        ).fetchall()
    amounts = dict(found)
    assert list(amounts) == [
        "last_year", "new", "transferred_in", "ceased", "expected", "this_year", "unexplained",
    ]  # fmt: skip
    assert min(amounts["new"], amounts["transferred_in"], amounts["ceased"]) > 0
    assert amounts["unexplained"] == 0
    write_published(compared, "built", YEAR, tmp_path)
    with (tmp_path / "published" / "stock_reconciliation.csv").open(encoding="utf-8-sig") as file:
        written = list(csv.DictReader(file))
    assert [each["plans"] for each in written] == [str(plans) for plans in amounts.values()]
    assert written[0]["source"].startswith("rel2025_caseload.csv, row ")


GOOD = row(STOCK, AUTHORITY, "All EHC plans", "All EHC plans", 250)


@pytest.mark.parametrize(
    ("header", "rows", "fault"),
    [
        (ROWS, [GOOD[:-1]], "row 1: no column is a figure of caseload"),
        (
            [*ROWS[1:], "ehcplans"],
            [GOOD[1:]],
            "row 1: the column time_period is missing. Is it DfE's table caseload",
        ),
        ([*ROWS[:-1], "ehcplans"], [GOOD[:-1]], "row 1: the column breakdown is missing"),
        (
            [*ROWS, "ehcplans"],
            [GOOD, [*GOOD[:-1], "SECRET"]],
            "row 3, column ehcplans: is neither a number nor one of DfE's symbols (x, z,",
        ),
        ([*ROWS, "ehcplans"], [["2023/24", *GOOD[1:]]], "row 2, column time_period: is no year"),
        (
            [*ROWS, "ehcplans"],
            [GOOD, [*GOOD[:3], "E08000025", *GOOD[4:]]],
            "row 3, column old_la_code: is no number of an authority",
        ),
        ([*ROWS, "ehcplans"], [GOOD, [*GOOD, "SECRET"]], "line 3: does not fit the columns"),
    ],
)
def test_a_wrong_file_is_named_with_its_row_and_column(
    tmp_path: Path, header: list[str], rows: list[list[object]], fault: str
) -> None:
    path = write_file(tmp_path / "files", "caseload", header, *rows)
    with warehouse.connect(tmp_path / "sen2.duckdb", reaches=[tmp_path]) as connection:
        warehouse.prepare(connection, YEAR)
        connection.execute(
            "insert into raw.published_figures select 'kept', * exclude (release)"
            " from (select null as release, * from (values (null, null, null, null, null, null,"
            " null, null, null)))"
        )
        with pytest.raises(InputError) as raised:
            releases.land(connection, path.parent, AUTHORITY)
        kept = connection.execute("select release from raw.published_figures").fetchall()
    message = str(raised.value)
    assert message.startswith(f"{path}, {fault}")
    assert "as DfE gives it" in message
    assert "SECRET" not in message
    assert kept == [("kept",)]


def test_the_name_of_a_folder_is_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "old_la_code=999" / "ext[ab]"
    write_file(folder, "caseload", [*ROWS, "ehcplans"], GOOD)
    write_file(folder.parent / "exta", "caseload", [*ROWS, "ehcplans"], [*GOOD[:-1], 999])
    with warehouse.connect(tmp_path / "sen2.duckdb", reaches=[tmp_path]) as connection:
        warehouse.prepare(connection, YEAR)
        releases.land(connection, folder, None)
        found = connection.execute(
            "select distinct la_code, value from raw.published_figures"
        ).fetchall()
    assert found == [(GOOD[3], str(GOOD[-1]))]


def test_a_file_in_another_encoding_and_a_folder_without_tables_are_errors(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    with pytest.raises(InputError, match="there is no such folder"):
        releases.find(folder)
    path = write_file(folder, "caseload", [*ROWS, "ehcplans"], GOOD)
    path.write_bytes(path.read_bytes().replace(b"An authority", b"Caf\xe9"))
    with warehouse.connect(tmp_path / "sen2.duckdb", reaches=[tmp_path]) as connection:
        warehouse.prepare(connection, YEAR)
        with pytest.raises(InputError, match="is not UTF-8 text"):
            releases.land(connection, folder, AUTHORITY)
        path.rename(folder / "other.csv")
        with pytest.raises(InputError, match=r"none of DfE's published tables.* caseload\.csv"):
            releases.land(connection, folder, AUTHORITY)
        assert releases.land(connection, None, AUTHORITY) == (0, 0)


def test_of_other_authorities_only_what_a_band_needs_is_landed(compared: Path) -> None:
    with duckdb.connect(str(compared), read_only=True) as connection:
        found = connection.execute(
            "select la_code = '330', breakdown_topic = breakdown, count(*)"
            " from raw.published_figures where dataset = 'caseload' group by all order by all"
        ).fetchall()
        figures = connection.execute(
            "select distinct figure from raw.published_figures where dataset = 'ceased_plans'"
        ).fetchall()
    assert found == [(False, True, 120), (True, False, 3), (True, True, 6)]
    assert sorted(figures) == [("total_ceased",), ("transfer",)]


def test_the_shipped_bands_are_made_by_the_model_of_a_run(
    compared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(path: Path, year: int, models: object) -> int:
        del year, models
        shutil.copy(compared, path)
        return 0

    monkeypatch.setattr(bands.build, "build", build)
    written = tmp_path / "bands.csv"
    assert bands.write_bands(write_release(tmp_path / "files"), written) == 2
    header = (spec.SEEDS / "national_bands.csv").read_text(encoding="utf-8").splitlines()[0]
    assert written.read_text(encoding="utf-8").splitlines() == [
        header,
        f"caseload,All EHC plans,neet,{YEAR - 1},0.1,3.8,0.0,3.9,41,"
        "DERIVED from rel2025_caseload.csv",
        f"caseload,All EHC plans,special_total_pc,{YEAR - 1},30.1,33.8,30.0,33.9,40,"
        "DERIVED from rel2025_caseload.csv",
    ]
