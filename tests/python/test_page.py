"""Both pages: they stand alone and are about nobody; what moved; others' figures.

What the page to share withholds is attacked in test_page_attack.py.
"""

import base64
import csv
import io
import itertools
import re
import shutil
from datetime import date
from html import unescape
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen2 import spec
from sen2.ground.errors import InputError
from sen2.reports.page import dfe_figures, first_screen, issues, write_page
from sen2.reports.page.counts import read_counts
from sen2.reports.page.first_screen import MINUS, moved
from sen2.reports.page.return_facts import read_facts
from sen2.reports.page.shown_values import SafeCounts, Value
from sen2.reports.page.small_numbers import Sum, withheld
from sen2.reports.page.write import PAGE, TO_SHARE
from sen2.settings.config import Config, Job, read_config
from sen2.warehouse import connect

from .conftest import YEAR, Built

NUMBER = re.compile(
    r'<(?:td class="number"|text class="(?!under)[^>]*|span class="big[^>]*)>([^<]*)<'
)
LINK = re.compile(r'download="([^"]+)\.csv" href="data:text/csv;charset=utf-8;base64,([^"]+)"')


@pytest.fixture(scope="module")
def job(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A copy of the shared warehouse, since a run of the page keeps its figures there."""
    folder = tmp_path_factory.mktemp("page")
    warehouse = Path(shutil.copy(built.warehouse, folder / "sen2.duckdb"))
    return Job(YEAR, read_config(spec.PROJECT / "sen2.yml"), warehouse, folder / "out")


@pytest.fixture(scope="module")
def html(job: Job) -> str:
    return write_page(job, is_run=True).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def to_share(job: Job, html: str) -> str:
    return (job.out / TO_SHARE).read_text(encoding="utf-8")


def numbers(html: str) -> list[str]:
    """Every number that the page shows: cells, words of charts and of the first screen."""
    return [text.strip() for text in NUMBER.findall(html)]


def tables(html: str) -> dict[str, list[list[str]]]:
    """The tables that can be downloaded, by name."""
    return {
        name: list(csv.reader(io.StringIO(base64.b64decode(data).decode("utf-8-sig"))))
        for name, data in LINK.findall(html)
    }


def published(folder: Path, **files: list[dict[str, str]]) -> Path:
    """A folder of tables as DfE lays them out, with the columns that the page uses."""
    folder.mkdir(exist_ok=True)
    totals = dfe_figures._totals()
    for dataset, rows in files.items():
        columns = [
            *dfe_figures.KEYS,
            "breakdown_topic",
            "breakdown",
            *dfe_figures._columns(dataset),
        ]
        with (folder / f"{dataset}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="x")
            writer.writeheader()
            total = {"breakdown_topic": totals[dataset], "breakdown": totals[dataset]}
            writer.writerows({**total, **row} for row in rows)
    return folder


def of_authority(code: str, region: str, period: str, **values: str) -> dict[str, str]:
    return {
        "time_period": period,
        "geographic_level": "Local authority",
        "region_code": region,
        "old_la_code": code,
        "la_name": f"Authority {code}",
        **values,
    }


OUTPUTS = {"issues.xlsx", "worklists.xlsx", "gates/index.html", "published/README.md"}
"""What the page for inside the authority leads to, beside itself."""


def test_each_page_stands_alone(html: str, to_share: str) -> None:
    for page in (html, to_share):
        assert len(page) < 3_000_000
        assert "default-src 'none'" in unescape(page)
        linked = set(re.findall(r"(?:src|href)=\"(?!#|data:)([^\"]*)", page))
        assert linked == (OUTPUTS if page is html else set())
        assert "url(" not in page
        assert " style=" not in page
        assert not re.search(r" on[a-z]+=", page)
        assert page.count("<h1") == 1


def test_the_same_warehouse_gives_the_same_bytes(job: Job, html: str, to_share: str) -> None:
    for is_run in (False, True):
        assert write_page(job, is_run=is_run).read_text(encoding="utf-8") == html
        assert (job.out / TO_SHARE).read_text(encoding="utf-8") == to_share


def test_nobody_stands_in_either_page(built: Built, html: str, to_share: str) -> None:
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        values = connection.execute(
            "select person_id, surname, forename, birth_date, upn, uln, postcode"
            " from staging.stg_people"
        ).fetchall()
        cases = connection.execute("select request_id from intermediate.case_scope").fetchall()
    html += to_share
    words = set(re.findall(r"[\w/-]+", re.sub(r"base64,[^\"]+|sha256-[^']+", "", html)))
    for table in [*tables(html).values(), *tables(to_share).values()]:
        words |= set(re.findall(r"[\w/-]+", "\n".join(" ".join(row) for row in table)))
    found = {str(value) for row in [*values, *cases] for value in row if value} & words
    assert {value for value in found if len(value) > 3} == set()


def test_no_count_of_the_page_to_share_is_below_the_threshold(job: Job, to_share: str) -> None:
    small = {str(count) for count in range(1, job.config.small_numbers)}
    assert numbers(to_share)
    assert [text for text in numbers(to_share) if text.split(" ")[0] in small] == []
    cells = {cell for table in tables(to_share).values() for row in table[1:] for cell in row[1:]}
    assert cells & small == set()
    assert "[c]" in cells


def test_the_threshold_is_a_setting(job: Job, html: str) -> None:
    config = job.config.model_copy(update={"small_numbers": 1})
    out = write_page(Job(job.year, config, job.warehouse, job.out.with_name("all"))).parent
    assert (out / PAGE).read_text(encoding="utf-8") == html
    shown = (out / TO_SHARE).read_text(encoding="utf-8")
    assert "Do not pass the page on." in shown
    assert "[c]" not in numbers(shown)
    assert {"1", "2", "3", "4"} & {text.split(" ")[0] for text in numbers(shown)}
    with pytest.raises(ValueError, match="small_numbers"):
        Config(la_code="330", small_numbers=-1)


def test_no_sum_of_the_page_gives_a_withheld_count_away(job: Job) -> None:
    with connect(job.warehouse, read_only=True) as connection:
        counts = read_counts(connection, read_facts(connection, job.year))
    hidden = SafeCounts(counts, 5).hidden
    assert hidden
    assert [each for each in counts.sums if len(hidden & {each.whole, *each.parts}) == 1] == []
    for each in counts.sums:
        assert counts.of.get(each.whole, 0) == sum(counts.of.get(part, 0) for part in each.parts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(2, 5), st.booleans())
def test_a_withheld_part_of_a_shown_total_could_be_another_number(
    values: list[int], threshold: int, of_people: bool
) -> None:
    counts = {"whole": sum(values)} | dict(enumerate(values))
    parts = tuple(range(len(values)))
    hidden = withheld(counts, [Sum("whole", parts, of_people)], threshold)
    assert {key for key, count in counts.items() if 0 < count < threshold} <= hidden
    if "whole" in hidden:
        return
    unknown = [part for part in parts if part in hidden]
    total = sum(counts[part] for part in unknown)
    possible = [
        row
        for row in itertools.product(range(1, total + 1), repeat=len(unknown))
        if sum(row) == total
    ]
    for place in range(len(unknown)):
        found = {row[place] for row in possible}
        assert len(found) > 1
        assert not of_people or max(found) >= threshold


def test_charts_and_tables_say_what_the_warehouse_holds(job: Job, html: str) -> None:
    with duckdb.connect(str(job.warehouse), read_only=True) as connection:
        plans, requests = connection.execute(
            "select (select ehcplans from published.caseload where return_id = 'built'"
            " and breakdown_topic = breakdown), (select requests_received_in_year"
            " from published.requests where return_id = 'built'"
            " and breakdown_topic = breakdown)"
        ).fetchone()
    rows = {row[0]: row[2] for row in tables(html)["volumes"][1:]}
    assert rows["EHC plans in force"] == plans
    assert f"Requests for an assessment: {requests} in 2025" in html
    assert f"{plans} EHC plans are in force" in html
    assert "Days to the deadline" in html
    for heading in ("Timeliness", "Needs", "Age and setting", "Plans ceased", "Annual reviews"):
        assert f">{heading}</h2>" in html


def test_what_moved_is_told_against_the_last_other_extract(job: Job) -> None:
    with duckdb.connect(str(job.warehouse)) as connection:
        connection.execute("begin")
        connection.execute(
            "insert into audit.run_figures select 0, collection_year, as_at - 30, 'older',"
            " dataset, figure, value + 40 from audit.run_figures"
        )
        connection.execute("commit")
    shown = write_page(job).read_text(encoding="utf-8")
    assert "The last run before this one was of the extract of 16 December 2025." in shown
    assert f"{MINUS}40" in shown
    assert "Errors and queries from run to run" in shown
    with duckdb.connect(str(job.warehouse)) as connection:
        connection.execute("delete from audit.run_figures where extract = 'older'")


@pytest.mark.parametrize(
    ("is_written", "errors", "unexplained", "closed", "state"),
    [
        (False, 0, 0, ["rules"], "not-ready"),
        (False, 3, 0, ["rules"], "not-ready"),
        (True, 1, 0, [], "not-ready"),
        (True, 0, 1, [], "to-explain"),
        (True, 0, 0, ["arrival"], "to-explain"),
        (True, 0, 0, [], "ready"),
    ],
)
def test_the_return_is_ready_when_sign_off_would_agree(
    is_written: bool, errors: int, unexplained: int, closed: list[str], state: str
) -> None:
    assert first_screen._state(is_written, errors, unexplained, closed) == state


def test_the_rules_that_find_something_are_those_of_now() -> None:
    assert issues._found_words(97, 29) == (
        "97 rules find something; 29 no longer since the last run"
    )
    assert issues._found_words(0, 0) == "No rule finds anything"


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (Value(20, "20"), Value(20, "20"), "no change"),
        (Value(20, "20"), Value(18, "18"), "fewer than 5 more"),
        (Value(20, "20"), Value(30, "30"), f"{MINUS}10"),
        (Value(None, "[c]"), Value(30, "30"), "not shown"),
        (Value(45.25, "45.2%"), Value(40, "40.0%"), "+5.2 points"),
        (Value(20, "20"), None, ""),
    ],
)
def test_a_change_is_told_in_words(now: Value, before: Value | None, words: str) -> None:
    assert moved(now, before, 5) == words


def test_published_figures_stand_beside_the_authoritys_own(job: Job, tmp_path: Path) -> None:
    region = "E12000005"
    rates = {"plans_issued_20_weeks_ex": "40", "plans_issued_den_ex": "100"}
    late = {"plans_issued_20_weeks_ex": "10", "plans_issued_den_ex": "100"}
    england = {"time_period": "2024", "geographic_level": "National"}
    folder = published(
        tmp_path / "published",
        timeliness_20_week=[
            {**england, **rates},
            of_authority("330", region, "2024", **late),
            of_authority("331", region, "2024", **rates),
            of_authority("892", "E12000004", "2024", **rates),
            of_authority("909", "E12000002", "2024", **rates),
        ],
        caseload=[
            of_authority("330", region, "202425", ehcplans="320"),
            of_authority("331", region, "202425", ehcplans="300"),
            of_authority("909", "E12000002", "202425", ehcplans="300"),
        ],
    )

    def page_of(**settings: object) -> str:
        config = job.config.model_copy(update={"published": folder, **settings})
        page = write_page(Job(job.year, config, job.warehouse, tmp_path / "out"))
        return page.read_text(encoding="utf-8")

    shown = page_of()
    first, *rows = tables(shown)["rates"]
    headline = dict(zip(first, rows[0], strict=True))
    assert (headline["England"], headline["The year before"]) == ("40", "10")
    assert "Authority 892, 2024" in shown
    assert "Authority 331" not in shown
    assert "statistical neighbours" in shown
    assert "Authority 909" not in shown
    assert "Authority 331, 2024" in page_of(similar="region")
    per_thousand = dict(zip(*tables(shown)["per-1000"][:2], strict=True))
    plans, people = int(tables(shown)["volumes"][1][2]), 432_811
    assert float(per_thousand["This return"]) == pytest.approx(1000 * plans / people, rel=0.1)
    assert "whose year its source does not say" in shown
    assert "Since last year" in shown
    assert "Authority 909, 2024" in page_of(similar=["909"])
    with pytest.raises(InputError, match="no authority 999"):
        page_of(similar=["999"])


def test_a_folder_without_published_tables_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        dfe_figures.read_published(tmp_path / "none")
    with pytest.raises(InputError, match="none of DfE's published tables"):
        dfe_figures.read_published(tmp_path)
    (tmp_path / "caseload.csv").write_bytes(b"time_period,\xff\xfe\n1,2\n")
    with pytest.raises(InputError, match=r"caseload\.csv: is not UTF-8 text"):
        dfe_figures.read_published(tmp_path)


def test_files_with_breakdowns_of_authorities_alone_are_left_out() -> None:
    """The folder that `make proof` and `sen2 sample --like` read has them beside the tables."""
    found = dfe_figures.read_published(Path(__file__).parent / "published")
    assert "rel2025_caseload.csv" in found.files
    assert [name for name in found.files if "_la_" in name] == []
    assert found.periods("caseload", "340")


def test_of_two_files_of_a_table_the_newer_release_and_the_corrected_one_go_first(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "p"
    for name, plans in (("rel2024", "100"), ("rel2025", "200"), ("rev2025", "300")):
        published(folder, caseload=[of_authority("330", "r", "202425", ehcplans=plans)])
        (folder / "caseload.csv").rename(folder / f"{name}_caseload.csv")
        found = dfe_figures.read_published(folder)
        assert found.values["caseload", "202425", "330"]["ehcplans"] == float(plans)


def test_the_page_needs_a_built_warehouse(tmp_path: Path, job: Job) -> None:
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(InputError, match="Run `sen2 build` first"):
        write_page(Job(YEAR, job.config, empty, tmp_path))


def test_every_year_has_a_deadline_or_none(job: Job) -> None:
    with connect(job.warehouse, read_only=True) as connection:
        facts = read_facts(connection, job.year)
    row = next(row for row in spec.seed("collections") if int(row["collection_year"]) == job.year)
    assert facts.deadline == date.fromisoformat(row["submission_deadline"])
