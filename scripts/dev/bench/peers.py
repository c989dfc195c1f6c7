"""Public validators of sister returns, run beside `sen2 check` on as many people.

No open tool judges SEN2, so the nearest are those that Data to Insight publishes on PyPI for the
children in need census and for looked after children (SSDA903). Each is installed into an
environment of its own, from PyPI and at no other time than here, and reads a synthetic file of its
own census.
"""

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ... import spec
from ...sample import write_sample
from .measure import latest_year, main_job, spent

PEOPLE, PLANS = 5_000, 4_050


@dataclass(frozen=True)
class Peer:
    """A validator: what pip installs, what it is for, how it is timed, and on what."""

    package: str
    version: str
    of: str
    script: str
    """Python that reads the folder it is given and prints read, all, rows and rules as JSON."""
    write: Callable[[Path], None]

    def timed(self, folder: Path) -> dict[str, float]:
        """Its seconds to read, in all, and how many rows and rules there were."""
        environment, data = folder / self.package, folder / f"{self.package}-data"
        data.mkdir()
        self.write(data)
        python = environment / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", f"{self.package}=={self.version}",
             "numpy<1.25", "setuptools<81"],
            check=True,
        )  # fmt: skip
        done = subprocess.run(
            [str(python), "-W", "ignore", "-c", self.script, str(data)],
            capture_output=True, text=True, check=True, cwd=data,
        )  # fmt: skip
        return dict(json.loads(done.stdout.splitlines()[-1]))


def compare() -> str:
    """A line per peer and one of `sen2 check` on a file of as many people."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [(peer, peer.timed(folder)) for peer in PEERS]
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
    words = [
        f"- {peer.package} {peer.version} ({peer.of}, pandas): {took['all']:.1f} s for {PEOPLE:,}"
        f" children, {took['rows']:,} rows, {took['rules']} rules; {took['read']:.1f} s of them to"
        " read."
        for peer, took in lines
    ]
    words += [
        f"- `sen2 check`: {seconds:.1f} s for {people:,} people and {rules} rules, from XML to"
        " workbook; the larger part is dbt.",
        "",
        "They judge different censuses: this compares speed, not findings.",
    ]
    return "\n".join(words)


CHILDREN_IN_NEED = """
import importlib, json, sys, time
import xml.etree.ElementTree as ET
from cin_validator.cin_validator import CinValidator, convert_data, process_data
registry = importlib.import_module("cin_validator.rules.cin2025_26").registry
began = time.perf_counter()
tables = process_data(convert_data(ET.parse(sys.argv[1] + "/cin.xml").getroot()))
read = time.perf_counter() - began
CinValidator(tables, registry)
print(json.dumps({"read": read, "all": time.perf_counter() - began,
                  "rows": sum(len(table) for table in tables.values()),
                  "rules": len(list(registry.items()))}))
"""

LOOKED_AFTER = """
import importlib, json, logging, pathlib, sys, time
from lac_validator import lac_validator
from lac_validator.ingress import read_from_text
logging.disable(logging.CRITICAL)
registry = importlib.import_module("lac_validator.rules.lac2025_26").registry
files = [{"name": path.name, "file_content": path.read_bytes(), "description": "This year"}
         for path in sorted(pathlib.Path(sys.argv[1]).glob("*.csv"))]
began = time.perf_counter()
tables, _ = read_from_text(files)
read = time.perf_counter() - began
began = time.perf_counter()
done = lac_validator.LacValidator(
    {"collectionYear": "2026", "localAuthority": "E09000027"}, files, registry)
print(json.dumps({"read": read, "all": time.perf_counter() - began,
                  "rows": sum(len(table) for table in tables.values()),
                  "rules": len(done.dones)}))
"""

SSDA903 = {
    "Header": "CHILD SEX DOB ETHNIC UPN MOTHER MC_DOB",
    "Episodes": "CHILD DECOM RNE LS CIN PLACE PLACE_PROVIDER DEC REC REASON_PLACE_CHANGE HOME_POST"
    " PL_POST URN",
    "Reviews": "CHILD DOB REVIEW REVIEW_CODE",
    "UASC": "CHILD SEX DOB DUC",
    "OC2": "CHILD DOB SDQ_SCORE SDQ_REASON CONVICTED HEALTH_CHECK IMMUNISATIONS TEETH_CHECK"
    " HEALTH_ASSESSMENT SUBSTANCE_MISUSE INTERVENTION_RECEIVED INTERVENTION_OFFERED",
    "OC3": "CHILD DOB IN_TOUCH ACTIV ACCOM",
    "AD1": "CHILD DOB DATE_INT DATE_MATCH FOSTER_CARE NB_ADOPTR SEX_ADOPTR LS_ADOPTR",
    "PlacedAdoption": "CHILD DOB DATE_PLACED DATE_PLACED_CEASED REASON_PLACED_CEASED",
    "PrevPerm": "CHILD DOB PREV_PERM LA_PERM DATE_PERM",
    "Missing": "CHILD DOB MISSING MIS_START MIS_END",
    "SWEpisodes": "CHILD DOB SW_ID SW_DECOM SW_DEC SW_REASON",
}
"""The tables of the looked after children return and their columns, as its validator reads them."""
OF_A_CHILD = {
    "DECOM": "06/05/2025", "RNE": "S", "LS": "C2", "CIN": "N1", "PLACE": "U6",
    "PLACE_PROVIDER": "PR1", "ETHNIC": "WBRI", "REVIEW": "01/10/2025", "REVIEW_CODE": "PN1",
    "SDQ_SCORE": "12", "CONVICTED": "0", "HEALTH_CHECK": "1", "IMMUNISATIONS": "1",
    "TEETH_CHECK": "1", "HEALTH_ASSESSMENT": "1", "SUBSTANCE_MISUSE": "0", "PREV_PERM": "Z1",
    "MISSING": "M", "MIS_START": "01/08/2025", "MIS_END": "02/08/2025", "SW_ID": "AB123456789",
    "SW_DECOM": "06/05/2025", "SW_REASON": "INITIAL",
}  # fmt: skip


def _looked_after(folder: Path) -> None:
    """Looked after children, all made up: one row each in every table."""
    for table, words in SSDA903.items():
        columns = words.split()
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            for n in range(PEOPLE):
                own = {"CHILD": f"{n:07}", "UPN": f"A{n:012}", "SEX": f"{1 + n % 2}",
                       "DOB": f"1{n % 9}/0{1 + n % 9}/20{9 + n % 14:02}"}  # fmt: skip
                writer.writerow({"": "", **OF_A_CHILD, **own})


def _in_need(folder: Path) -> None:
    (folder / "cin.xml").write_text(_census(), encoding="utf-8")


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


PEERS = (
    Peer("csc-validator-be-cin", "0.1.13", "children in need", CHILDREN_IN_NEED, _in_need),
    Peer("csc-validator-be-903", "0.1.17", "looked after children", LOOKED_AFTER, _looked_after),
)
