"""Planting faults, and the list of what was planted."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ... import spec
from ..days import Random
from ..expected import write_rows
from ..tables import person_id
from ..whole import Sample
from .catalogue import FAULTS
from .finder import Fault, Finder

PLANTED_COLUMNS = (
    "fault", "table_name", "row", "key", "person_id", "request_id", "record_id", "rule_ids",
)  # fmt: skip
KEYS = {
    "people": "person_id",
    "requests": "request_id",
    "assessments": "request_id",
    "placements": "placement_id",
    "establishments": "urn",
}


@dataclass(frozen=True)
class Planted:
    """One fault as planted; `row` counts the table's rows from 0, removed ones included.

    `record` is the record that the first of the rules reports.
    """

    fault: str
    table: str
    row: int
    key: str
    person: str
    request: str
    record: str
    rules: tuple[str, ...]


def rules_in_force(year: int, rules: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the rules that the catalogue has for the year; one it does not list is kept."""
    listed = {row["rule_id"] for row in spec.seed("rules")}
    current = {row["rule_id"] for row in spec.in_force("rules", year)}
    return tuple(rule for rule in rules if rule in current or rule not in listed)


def plant_faults(sample: Sample, share: float, rng: Random) -> list[Planted]:
    """Plant every kind of fault in turn until the share of people in scope is reached."""
    if not share:
        return []
    find = Finder(sample, rng)
    wanted = round(share * len(np.unique(sample.cases.person[sample.in_return])))
    in_force = [
        (fault, rules)
        for fault in FAULTS
        if (rules := rules_in_force(sample.survey.year, fault.rules))
    ]
    waiting = {
        fault.name: iter(rng.permutation(np.flatnonzero(fault.where(find)).astype(np.int32)))
        for fault, _ in in_force
    }
    planted: list[Planted] = []
    before = -1
    while before < len(planted) < wanted:
        before = len(planted)
        for fault, rules in in_force:
            if len(planted) < wanted:
                found = plant_one(find, fault, rules, waiting[fault.name])
                planted += [found] if found else []
    return planted


def plant_one(
    find: Finder, fault: Fault, rules: tuple[str, ...], waiting: Iterator[np.int32]
) -> Planted | None:
    """Plant the fault in the next case whose person has none yet."""
    for case in map(int, waiting):
        person = find.cases.person[case]
        if find.used[person]:
            continue
        find.used[person] = True
        request = find.sample.request_id(case)
        row = fault.change(find, case, fault.table, find.row(fault.table, case))
        if row is None:
            continue
        return describe(find, fault, rules, case, row, request)
    return None


def describe(
    find: Finder, fault: Fault, rules: tuple[str, ...], case: int, row: int, request: str
) -> Planted:
    """What the list of planted faults says: keys as the row has them."""
    table = find.tables[fault.table]
    values = table.row(row) if row < table.rows else table.added[row - table.rows]
    is_orphan = "X02" in rules
    owner = "" if is_orphan else person_id(int(find.cases.person[case]))
    if fault.name == "plan_request_unknown":
        request = find.sample.request_id(case)
    key = values.get(KEYS.get(fault.table, "plan_id"), "")
    if is_orphan:
        request = values.get("request_id", "")
    record = {
        "person": owner,
        "requests": request,
        "assessment": request,
        "named_plan": request,
        "active_plans": request,
        "placement_detail": values.get("placement_id", ""),
        "extract": key,
    }.get(find.modules.get(rules[0], ""), "")
    return Planted(
        fault=fault.name,
        table=fault.table,
        row=row,
        key=key,
        person=owner,
        request="" if fault.table == "people" else request,
        record=record,
        rules=rules,
    )


def write_planted(sample: Sample, planted: list[Planted], path: Path) -> None:
    """Write the list of planted faults; `row` is the row a spreadsheet shows."""
    write_rows(
        path,
        PLANTED_COLUMNS,
        (
            (
                item.fault,
                item.table,
                sample.tables[item.table].file_row(item.row),
                item.key,
                item.person,
                item.request,
                item.record,
                ";".join(item.rules),
            )
            for item in planted
        ),
    )
