"""report.html in a real browser with the network off: at three widths, by keyboard, on paper.

It needs Debian's chromium; CI installs it (.ci/run).
"""

import csv
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from sen2 import spec
from sen2.reports.page import write_page
from sen2.settings.config import Job, read_config

from .conftest import YEAR, Built
from .test_page import of_authority, published

WIDTHS = (360, 768, 1440)
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
# Words of charts that are cut off by the window, or that lie over one another.
FAULTS_OF_CHARTS = """() => [...document.querySelectorAll('svg.chart')].flatMap(chart => {
    const words = [...chart.querySelectorAll('text')].filter(text => text.textContent)
        .map(text => [text.textContent, text.getBoundingClientRect()]);
    const cut = words.filter(([, box]) => box.left < -1 || box.right > innerWidth + 1);
    const over = words.filter(([, one], place) => words.slice(place + 1).some(([, two]) =>
        one.left < two.right - 1 && two.left < one.right - 1
        && one.top < two.bottom - 4 && two.top < one.bottom - 4));
    const blank = chart.getBoundingClientRect().height < 20 || !chart.querySelector('rect, line');
    return [...cut, ...over].map(([words]) => words).concat(blank ? ['nothing was drawn'] : [])
        .map(fault => chart.getAttribute('aria-label').slice(0, 40) + ' | ' + fault);
})"""


@pytest.fixture(scope="module")
def page_file(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything on it: earlier runs, last year's figures, other authorities'."""
    folder = tmp_path_factory.mktemp("browser")
    warehouse = Path(shutil.copy(built.warehouse, folder / "sen2.duckdb"))
    settings = read_config(spec.PROJECT / "sen2.yml")
    write_page(Job(YEAR, settings, warehouse, folder / "out"), is_run=True)
    with duckdb.connect(str(warehouse)) as connection:
        for days, more in ((60, 900), (30, 70), (7, 40)):
            connection.execute(
                f"insert into audit.run_figures select 0, collection_year, as_at - {days},"
                f" 'of day {days}', dataset, figure, value + {more} from audit.run_figures"
                " where run = (select max(run) from audit.run_figures)"
            )
    rates = {"plans_issued_20_weeks_ex": "40", "plans_issued_den_ex": "100"}
    needs = {"number_asd": "31", "ehc_plans": "100"}
    national = {"geographic_level": "National"}
    tables = published(
        folder / "published",
        timeliness_20_week=[
            row
            for year in ("2021", "2022", "2023", "2024")
            for row in (
                {"time_period": year, **national, **rates},
                of_authority("330", "E12000005", year, **rates),
                of_authority("331", "E12000005", year, **rates),
            )
        ],
        caseload=[
            of_authority(code, "E12000005", period, ehcplans="12345")
            for code in ("330", "331")
            for period in ("201819", "201920", "202021", "202122", "202223", "202324", "202425")
        ],
        sen_needs_all_plans=[{"time_period": "202425", **national, **needs}],
    )
    settings = settings.model_copy(update={"published": tables})
    return write_page(Job(YEAR, settings, warehouse, folder / "out"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, page_file: Path) -> Iterator[Page]:
    """The page opened from its file; what the console says and what is fetched must be nothing."""
    said: list[str] = []
    fetched: list[str] = []
    page = browser.new_page(accept_downloads=True)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(page_file.as_uri())
    yield page
    page.close()
    assert said == []
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_chart_draws_and_nothing_overflows(opened: Page, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    assert opened.locator("svg.chart").count() >= 20
    assert opened.evaluate(FAULTS_OF_CHARTS) == []
    assert opened.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [WIDTHS[0], WIDTHS[-1]])
def test_axe_finds_no_serious_fault(opened: Page, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    opened.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    violations = Axe().run(opened).response["violations"]
    serious = [
        (each["id"], node["html"][:80])
        for each in violations
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
    assert serious == []


def test_a_table_sorts_by_its_headings(opened: Page) -> None:
    opened.locator("#chart-days summary").click()
    table = opened.locator("#days-table")

    def plans() -> list[int]:
        texts = table.locator("tbody td").all_inner_texts()
        return [int(text.replace(",", "")) for text in texts if text[:1].isdigit()]

    heading = table.get_by_role("button", name="Plans")
    heading.click()
    assert plans() == sorted(plans())
    heading.press("Enter")
    assert plans() == sorted(plans(), reverse=True)
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("Plans")


def test_the_rules_filter_by_words_and_choices(opened: Page) -> None:
    rows = opened.locator("#rules-table tbody tr")
    shown = opened.locator("#rules-table tbody tr:visible")
    every = rows.count()
    assert every > 1
    opened.get_by_label("Severity").select_option("Query")
    assert set(
        opened.locator("#rules-table tbody tr:visible td:nth-child(2)").all_inner_texts()
    ) == {"Query"}
    rule = shown.first.locator("th").inner_text()
    opened.get_by_label("Words").fill(rule)
    assert shown.count() >= 1
    assert f"{shown.count()} of {every} rows shown" in opened.locator(".count").inner_text()
    opened.get_by_label("Words").fill("no rule says this")
    assert shown.count() == 0


def test_the_numbers_can_be_downloaded(opened: Page) -> None:
    with opened.expect_download() as download:
        opened.locator("#chart-requests figcaption a").click()
    assert download.value.suggested_filename == "requests.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Month", "Number"]
    assert len(rows) == 13


def test_the_keyboard_reaches_the_content_and_the_tables(opened: Page) -> None:
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.textContent") == "Skip to the main content"
    opened.keyboard.press("Enter")
    assert opened.evaluate("document.activeElement.id") == "main"
    summary = opened.locator("#chart-needs summary")
    summary.focus()
    opened.keyboard.press("Enter")
    assert opened.locator("#needs-table").is_visible()


def test_it_prints_with_its_tables_open(opened: Page) -> None:
    paper = opened.pdf(format="A4")
    assert paper.startswith(b"%PDF")
    assert len(paper) > 50_000
    opened.emulate_media(media="print")
    assert opened.evaluate("document.querySelector('#needs-table').offsetHeight") > 100
    assert not opened.locator(".filters").first.is_visible()
