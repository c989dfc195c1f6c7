"""The suites in gx/expectations, written from the seeds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import spec
from ..export.read_back import TableDigest

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation
from .gate_results import GX_SEVERITY, ROWS, SIZE, Meta

RULE_FIELDS = ("rule_id", "severity", "module", "year_from", "year_to")
FILLED = " is filled in"


def write_suites(project: Path = spec.PROJECT) -> None:
    """Write every suite to gx/expectations from the contract and the rules in seeds/spec."""
    from great_expectations import ExpectationSuite

    folder = project / "gx" / "expectations"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, expectations in _suites().items():
        suite = ExpectationSuite(name=name, expectations=expectations)
        text = json.dumps(suite.to_json_dict(), indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _suites() -> "dict[str, list[Expectation]]":
    """Suite name to its expectations of all years; their meta says from which year to which."""
    from great_expectations import expectations as gxe

    rows = gxe.ExpectTableRowCountToBeBetween(
        min_value={"$PARAMETER": "least_rows"},
        description="There are as many rows as there should be.",
        meta=ROWS,
    )
    suites: dict[str, list[Expectation]] = {}
    for row in spec.seed("extract_contract"):
        if row["must_be_present_from"]:
            column = row["column_name"]
            suites.setdefault(f"arrival_{row['table_name']}", [rows]).extend(
                [
                    gxe.ExpectColumnToExist(
                        column=column,
                        description=f"The column {column} is there.",
                        meta=present_meta(row),
                    ),
                    gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
                        column=column,
                        min_value={"$PARAMETER": least_filled(row)},
                        description=f"{column} is blank about as often as in the last good run.",
                        meta=filled_meta(row),
                    ),
                ]
            )
    suites["arrival_size"] = [
        gxe.ExpectTableRowCountToBeBetween(
            min_value={"$PARAMETER": "least_plans"},
            max_value={"$PARAMETER": "most_plans"},
            description="There are about as many open plans as DfE last published of the authority."
            " If that is right, go on with --accept-arrival.",
            meta=SIZE,
        )
    ]
    for row in spec.seed("rules"):
        if row["checked"] != "no":
            meta = rule_meta(row)
            suites.setdefault(f"rules_{row['module']}", [rows]).append(
                gxe.ExpectColumnSumToBeBetween(
                    column=meta["column"],
                    max_value=0,
                    severity=GX_SEVERITY[row["severity"]],
                    description=row["message"],
                    meta=meta,
                )
            )
    suites["leaving"] = [
        gxe.ExpectColumnPairValuesToBeEqual(
            column_A=f"written_{column}",
            column_B=f"stored_{column}",
            description=f"The file has the same {column} as the table.",
            meta=equal_meta(column),
        )
        for column in TableDigest._fields
    ]
    return suites


def rule_meta(row: Mapping[str, Any]) -> Meta:
    """What an expectation of a rule says of it."""
    return {
        **{name: row[name] for name in ("rule_id", "severity", "module")},
        "year_from": int(row["year_from"]),
        "year_to": int(row["year_to"]),
        "column": f"rule_{row['rule_id'].lower()}",
    }


def _contract_meta(rule_id: str, row: spec.Row) -> Meta:
    return {
        "rule_id": rule_id,
        "severity": "error",
        "year_from": int(row["must_be_present_from"]),
        "year_to": int(row["must_be_present_to"]),
    }


def present_meta(row: spec.Row) -> Meta:
    """What the expectation that a column is there says of it."""
    return _contract_meta(f"{row['column_name']} is there", row)


def filled_meta(row: spec.Row) -> Meta:
    """What the expectation that a column is filled in says of it."""
    return _contract_meta(f"{row['column_name']}{FILLED}", row)


def least_filled(row: spec.Row) -> str:
    """The name of the parameter with the least number of rows filled in."""
    return f"least_filled_{row['column_name']}"


def equal_meta(column: str) -> Meta:
    """What the expectation that two digests are equal says of it."""
    return {"rule_id": f"{column} equal", "severity": "error"}
