"""The floor: what plain lxml and DuckDB need to read a return, load it, judge it and write it back.

No dbt, no gates, no lineage, no reports: one pass of iterparse, one CSV file a table, twenty rules
in SQL, one pass of the incremental writer. `python -m sen2.dev.bench.floor FILE.xml FOLDER`.
"""

import csv
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from heapq import merge
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
from lxml import etree

from ... import spec

TABLES = ("Person", "Requests", "Assessment", "NamedPlan", "PlanDetail", "ActivePlans",
          "PlacementDetail", "SENneed")  # fmt: skip
REQUIRED = (
    "Person.Surname", "Person.Forename", "Person.PersonBirthDate", "Person.Sex",
    "Person.Ethnicity", "Requests.RequestOutcome", "Assessment.AssessmentOutcome",
    "NamedPlan.StartDate", "PlanDetail.PlacementRank", "PlacementDetail.PlacementRank",
    "PlacementDetail.EntryDate", "SENneed.SENtype", "SENneed.SENtypeRank",
)  # fmt: skip
OTHER_RULES = {
    "Person": ("length(UPN) <> 13", "length(UniqueLearnerNumber) <> 10"),
    "Requests": (
        "RequestOutcomeDate < ReceivedDate",
        "RequestOutcome not in ('Y','N','A','W','H')",
    ),
    "Assessment": ("Week20 not in ('0', '1')",),
    "NamedPlan": ("CeaseDate < StartDate",),
    "PlacementDetail": ("LeavingDate < EntryDate",),
}


def rows_of(element: Any, above: str, ids: Iterator[int]) -> Iterator[tuple[str, dict[str, str]]]:
    """An element and the groups in it, each after its parent: table and columns."""
    own = str(next(ids))
    row = {"id": own, "above": above}
    groups = []
    for child in element:
        if len(child):
            groups.append(child)
        else:
            row[child.tag] = child.text or ""
    yield element.tag, row
    for group in groups:
        yield from rows_of(group, own, ids)


def columns_of(table: str) -> list[str]:
    """The columns of a table: its own number, its parent's, and every item that any year has."""
    items = [row["element"] for row in spec.seed("xml_structure") if row["parent"] == table]
    return ["id", "above", *(item for item in dict.fromkeys(items) if item not in TABLES)]


def main(file: Path, folder: Path) -> None:
    """Read, load, judge, write."""
    folder.mkdir(parents=True, exist_ok=True)
    columns, ids = {table: columns_of(table) for table in TABLES}, count()
    with ExitStack() as stack:
        writers = {}
        for table, names in columns.items():
            opened = stack.enter_context((folder / f"{table}.csv").open("w", newline=""))
            writers[table] = csv.DictWriter(opened, names, restval="")
            writers[table].writeheader()
        for _, person in etree.iterparse(file, tag="Person", resolve_entities=False):
            for table, row in rows_of(person, "", ids):
                writers[table].writerow(row)
            person.clear()
            while person.getprevious() is not None:
                del person.getparent()[0]
    database = duckdb.connect(str(folder / "floor.duckdb"))
    database.execute("set preserve_insertion_order = true")
    for table in TABLES:
        database.execute(
            f"create or replace table {table} as from read_csv('{folder / table}.csv',"
            " all_varchar = true, header = true, nullstr = '')"
        )
    for rule in REQUIRED:
        table, column = rule.split(".")
        database.execute(f"select count(*) from {table} where {column} is null").fetchall()
    for table, rules in OTHER_RULES.items():
        for condition in rules:
            database.execute(f"select count(*) from {table} where {condition}").fetchall()
    write_back(database, folder / "back.xml")


def write_back(database: duckdb.DuckDBPyConnection, path: Path) -> None:
    """The elements of every table in file order, merged into one document again."""
    elements = merge(*(elements_of(database, table) for table in TABLES), key=itemgetter(0))
    person, made = None, dict[int | None, Any]()
    with etree.xmlfile(str(path), encoding="utf-8") as file, file.element("Persons"):
        for number, above, element in elements:
            if element.tag != "Person":
                made[above].append(element)
            else:
                if person is not None:
                    file.write(person)
                person, made = element, dict[int | None, Any]()
            made[number] = element
        file.write(person)


def elements_of(
    database: duckdb.DuckDBPyConnection, table: str
) -> Iterator[tuple[int, int | None, Any]]:
    """The elements of a table in order: number, that of the one above, element."""
    cursor = database.cursor().execute(f"select * from {table} order by id::bigint")
    tags = [column[0] for column in cursor.description or []][2:]
    while rows := cursor.fetchmany(2000):
        for number, above, *values in rows:
            element = etree.Element(table)
            for tag, value in zip(tags, values, strict=True):
                if value is not None:
                    etree.SubElement(element, tag).text = value
            yield int(number), int(above) if above else None, element


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
