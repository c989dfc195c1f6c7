"""Public validators of sister returns, run beside `sen2 check` on as many people.

No open tool judges SEN2, so the nearest are those that Data to Insight publishes on PyPI for the
children in need census. It is installed into an environment of its own, from PyPI and at no other
time than here, and reads a synthetic file of its own census.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import spec
from ..sample import write_sample
from .measure import latest_year, main_job, spent

PEOPLE, PLANS = 5_000, 4_050
PEER = "csc-validator-be-cin==0.1.13"
TIMED = """
import importlib, json, sys, time
import xml.etree.ElementTree as ET
from cin_validator.cin_validator import CinValidator, convert_data, process_data
registry = importlib.import_module("cin_validator.rules.cin2025_26").registry
began = time.perf_counter()
tables = process_data(convert_data(ET.parse(sys.argv[1]).getroot()))
read = time.perf_counter() - began
CinValidator(tables, registry)
rows = sum(len(table) for table in tables.values())
print(json.dumps({"read": read, "all": time.perf_counter() - began, "rows": rows,
                  "rules": len(list(registry.items()))}))
"""


def compare() -> str:
    """One paragraph: seconds of the peer and of `sen2 check` on a file of as many people."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer = _peer(folder)
        year = latest_year()
        write_sample(folder / "extract", year, PLANS, 1)
        main_job(folder, year)
        (xml,) = (folder / "out").glob("*.xml")
        ours = [sys.executable, "-m", "sen2.cli", "check", str(xml)]
        seconds = spent([*ours, "--out", str(folder / "checked")]).seconds
        people = xml.read_bytes().count(b"<Person>")
    rules = sum(
        row["module"] != "extract" and int(row["year_from"]) <= year <= int(row["year_to"])
        for row in spec.seed("rules")
    )
    return (
        f"{PEER.partition('==')[0]} {PEER.partition('==')[2]} (children in need census, pandas)"
        f" takes {peer['all']:.1f} s for {PEOPLE:,} children, {peer['rows']:,} rows and"
        f" {peer['rules']} rules, {peer['read']:.1f} s of them to read the XML. `sen2 check` takes"
        f" {seconds:.1f} s for {people:,} people and {rules} rules, from XML to workbook, of which"
        " the larger part is dbt. They judge different censuses: this compares speed, not findings."
    )


def _peer(folder: Path) -> dict[str, float]:
    """The peer's seconds on a synthetic file of its census."""
    python = folder / "peer" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder / "peer")], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", PEER, "numpy<1.25"], check=True)
    xml = folder / "cin.xml"
    xml.write_text(_census(), encoding="utf-8")
    done = subprocess.run(
        [str(python), "-W", "ignore", "-c", TIMED, str(xml)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _census() -> str:
    """Children in need, all made up: one referral, assessment and plan each."""
    children = "".join(
        f"<Child><ChildIdentifiers><LAchildID>C{n:07}</LAchildID><UPN>A{n:012}</UPN>"
        f"<PersonBirthDate>20{8 + n % 14:02}-0{1 + n % 9}-1{n % 10}</PersonBirthDate>"
        f"<Sex>{'MF'[n % 2]}</Sex></ChildIdentifiers><ChildCharacteristics>"
        "<Ethnicity>WBRI</Ethnicity><Disabilities><Disability>NONE</Disability></Disabilities>"
        "</ChildCharacteristics><CINdetails><CINreferralDate>2025-05-06</CINreferralDate>"
        "<ReferralSource>1A</ReferralSource><PrimaryNeedCode>N1</PrimaryNeedCode>"
        "<ReferralNFA>0</ReferralNFA><Assessments><AssessmentActualStartDate>2025-05-07"
        "</AssessmentActualStartDate><AssessmentInternalReviewDate>2025-05-20"
        "</AssessmentInternalReviewDate><AssessmentAuthorisationDate>2025-06-10"
        "</AssessmentAuthorisationDate><FactorsIdentifiedAtAssessment><AssessmentFactors>1A"
        "</AssessmentFactors></FactorsIdentifiedAtAssessment></Assessments><CINPlanDates>"
        "<CINPlanStartDate>2025-06-11</CINPlanStartDate></CINPlanDates></CINdetails></Child>"
        for n in range(PEOPLE)
    )
    return (
        "<Message><Header><CollectionDetails><Collection>CIN</Collection><Year>2026</Year>"
        "<ReferenceDate>2026-03-31</ReferenceDate></CollectionDetails><Source><SourceLevel>L"
        "</SourceLevel><LEA>330</LEA><SoftwareCode>none</SoftwareCode><Release>1</Release>"
        "<SerialNo>001</SerialNo><DateTime>2026-04-01T00:00:00</DateTime></Source></Header>"
        f"<Children>{children}</Children></Message>"
    )
