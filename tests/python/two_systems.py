"""Two systems that share a tenth of their children, with planted conflicts; all synthetic.

Both use the same ids for different children, as systems do that count from 1. What a child's record
in the second system has wrong, or had changed, is drawn from `SLIPS`.
"""

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from sen2 import spec
from sen2.sample import write_sample

Row = dict[str, str]

YEAR = 2026
SHARED, SECOND, TWINS = 0.1, 0.4, 0.02
"""Shares of the children: in both systems, of the second alone, with a twin beside them."""


def _upper(row: Row, _: random.Random) -> None:
    row["surname"] = row["surname"].upper()


def _surname_slip(row: Row, rng: random.Random) -> None:
    row["surname"] = _slip(row["surname"], rng)


def _forename_slip(row: Row, rng: random.Random) -> None:
    row["forename"] = _slip(row["forename"], rng)


def _new_surname(row: Row, _: random.Random) -> None:
    row["surname"] = "Newname"


def _swapped(row: Row, _: random.Random) -> None:
    year, month, day = row["birth_date"].split("-")
    row["birth_date"] = f"{year}-{day}-{month}" if int(day) <= 12 else f"{year}-{month}-{day}"


def _other_day(row: Row, rng: random.Random) -> None:
    year, month, day = row["birth_date"].split("-")
    row["birth_date"] = f"{year}-{month}-{day[0]}{rng.choice('12345678')}"


def _moved(row: Row, rng: random.Random) -> None:
    row["postcode"] = (
        f"ZW{rng.randint(1, 9)} {rng.randint(0, 9)}{''.join(rng.choices('ABDE', k=2))}"
    )


def _blank(column: str) -> Callable[[Row, random.Random], None]:
    return lambda row, _: row.update({column: ""})


def _other_upn(row: Row, rng: random.Random) -> None:
    if row["upn"]:
        row["upn"] = f"T{rng.randint(10**11, 10**12 - 1)}"


def _other_sex(row: Row, _: random.Random) -> None:
    row["sex"] = {"M": "F", "F": "M"}.get(row["sex"], "M")


SLIPS: tuple[tuple[float, Callable[[Row, random.Random], None]], ...] = (
    (0.30, _upper),
    (0.30, _blank("upn")),
    (0.50, _blank("uln")),
    (0.20, _moved),
    (0.10, _blank("postcode")),
    (0.08, _surname_slip),
    (0.05, _new_surname),
    (0.05, _forename_slip),
    (0.03, _swapped),
    (0.02, _other_day),
    (0.03, _other_upn),
    (0.01, _other_sex),
)
"""How often each happens to a shared child's record in the second system, on its own."""

GAPS = ((0.10, "postcode"), (0.05, "upn"), (0.05, "ethnicity"))
"""What the first system's record of a shared child has not, and the second's may have."""


def _slip(name: str, rng: random.Random) -> str:
    """A letter lost, doubled, or swapped with the next."""
    place = rng.randrange(max(len(name) - 1, 1))
    return rng.choice(
        [
            name[:place] + name[place + 1 :],
            name[: place + 1] + name[place:],
            name[:place] + name[place : place + 2][::-1] + name[place + 2 :],
        ]
    )


@dataclass
class TwoSystems:
    """The folder of an extract of two systems, their mappings, and who is who."""

    folder: Path
    mappings: list[Path]
    pairs: set[tuple[str, str]] = field(default_factory=set)
    """The ids that a shared child has in the first and in the second system."""


def write_two_systems(folder: Path, plans: int, seed: int) -> TwoSystems:
    """Write an extract of two systems; the same arguments give the same files."""
    rng = random.Random(seed)
    write_sample(folder / "whole", YEAR, plans, seed)
    tables = {table: _read(folder / "whole" / f"{table}.csv") for table in spec.contract(YEAR)}
    systems: dict[str, dict[str, list[Row]]] = {
        name: {table: [] for table in tables} for name in ("one", "two")
    }
    made = TwoSystems(folder, [_mapping(folder, name) for name in systems])
    of_system: dict[tuple[str, str], str] = {}
    people = [dict(row) for row in tables["people"]]
    for row in people[:]:
        if rng.random() < TWINS:
            names = sorted({each["forename"] for each in people[:200]} - {row["forename"]})
            twin = row | {"person_id": f"{row['person_id']}T", "upn": "", "uln": ""}
            people.append(twin | {"forename": rng.choice(names)})
    for row in people:
        draw, own = rng.random(), row["person_id"]
        of_system["person_id", own] = system = "two" if draw < SECOND else "one"
        systems[system]["people"].append(row)
        if draw >= 1 - SHARED:
            other = dict(row)
            for share, slip in SLIPS:
                if rng.random() < share:
                    slip(other, rng)
            systems["two"]["people"].append(other)
            for share, column in GAPS:
                if rng.random() < share:
                    row[column] = ""
            made.pairs.add((own, own))
    keys = {"people": "person_id", "requests": "request_id", "plans": "plan_id"}
    for table, rows in tables.items():
        hangs_from = next(
            (keys[parent] for parent in spec.parents()[table] if parent in keys), None
        )
        for row in rows if hangs_from else ():
            system = of_system[hangs_from, row[hangs_from]]
            systems[system][table].append(row)
            if table in keys:
                of_system[keys[table], row[keys[table]]] = system
    systems["one"]["establishments"] = tables["establishments"]
    made.pairs = _renumbered(systems["two"], made.pairs)
    for name, filled in systems.items():
        (folder / name).mkdir()
        for table, rows in filled.items():
            rng.shuffle(rows)
            _write(folder / name / f"{table}.csv", list(tables[table][0]), rows)
    (folder / "extract.yml").write_text(
        f"extracted_on: {spec.collection(YEAR).survey_day}\n", encoding="utf-8"
    )
    return made


def _renumbered(system: dict[str, list[Row]], pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Give a system ids of its own, which other children have in the other system."""
    numbers: dict[tuple[str, str], str] = {}
    for table, key in (
        *(("people", "person_id"), ("requests", "request_id")),
        *(("plans", "plan_id"), ("placements", "placement_id")),
    ):
        old = sorted(row[key] for row in system[table])
        numbers |= {(key, this): other for this, other in zip(old, [*old[1:], "X"], strict=True)}
    for rows in system.values():
        for row in rows:
            for key in ("person_id", "request_id", "plan_id", "placement_id"):
                if row.get(key):
                    row[key] = numbers.get((key, row[key]), row[key])
    return {(own, numbers["person_id", other]) for own, other in pairs}


def _mapping(folder: Path, source: str) -> Path:
    """The contract's mapping for one of the systems."""
    content = yaml.safe_load(
        (spec.PROJECT / "scripts" / "mappings" / "contract.yml").read_text(encoding="utf-8")
    )
    content["source"] = source
    for name, each in content["inputs"].items():
        each["files"] = f"{source}/{name}.csv"
        each["may_be_missing"] = "true"
    path = folder / f"{source}.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, columns: list[str], rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
