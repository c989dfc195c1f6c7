"""The report of the proof: docs/proof.md."""

from collections import Counter
from pathlib import Path

from ... import spec
from .compare import Difference, Result, release
from .models import Raised

HEAD = """# Proof on published figures

Made by `make proof`; do not edit.

For each authority an extract is made to the figures that DfE published of it (`sen2 sample DIR
--like AUTHORITY --published FOLDER --year Y`) and run through the models. Every published count is
then compared with the models' count: caseload, new plans, requests, assessments, 20 weeks, needs,
ceased plans, annual reviews, personal budgets, residential and work-based placements, officers; of
the years of the aggregated form, every count of its tables. Percentages follow from counts and are
not compared. Where DfE has corrected a table since, the corrected figures are meant.

Source of the figures: DfE, Education, health and care plans, Open Government Licence v3.0.
"""


def write_report(path: Path, results: list[Result]) -> None:
    """Write the report of some authorities and years."""
    found = [difference for result in results for difference in result.differences]
    why = [reason for reason, _ in Counter(d.why or UNKNOWN for d in found).most_common()]
    lines = [HEAD, *summary(results), "", "## What each release proves", "", *releases()]
    lines += ["", "## Why a count is not equal", "", *causes(found, why)]
    for year in years(results):
        own = [result for result in results if result.year == year]
        lines += ["", f"## Collection of {year}: every count that is not equal", ""]
        lines += listing([d for r in own for d in r.differences], why)
        lines += ["", f"## Collection of {year}: what the rules raise", "", *raised(own)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


UNKNOWN = "not known"


def releases() -> list[str]:
    """A row per release that is known, the newest first."""
    known = sorted(spec.seed("published_releases"), key=lambda row: row["release"], reverse=True)
    return ["| release | corrected by | what is proved |", "| --- | --- | --- |"] + [
        f"| {row['release']} | {row['corrected_on']} | {row['proves']}. |" for row in known
    ]


def causes(differences: list[Difference], why: list[str]) -> list[str]:
    """A row per reason, with the number it is cited by."""
    lines = ["| why | | collection | authorities | counts |", "| ---: | --- | --- | ---: | ---: |"]
    for number, reason in enumerate(why, start=1):
        for year in sorted({d.year for d in differences}, reverse=True):
            own = [d for d in differences if d.year == year and (d.why or UNKNOWN) == reason]
            if own:
                text = reason[0].upper() + reason[1:]
                whose = len({d.authority for d in own})
                lines.append(f"| {number} | {text}. | {year} | {whose} | {len(own)} |")
    return lines


def years(results: list[Result]) -> list[int]:
    """The collection years proven, the newest first."""
    return sorted({result.year for result in results}, reverse=True)


def summary(results: list[Result]) -> list[str]:
    """One row per collection year."""
    lines = [
        "| release | collection | authorities | every count equal | or only those unequal that"
        " published counts contradict | counts compared | not equal | contradicted | for no known"
        " reason |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for year in years(results):
        own = [result for result in results if result.year == year]
        found = [difference for result in own for difference in result.differences]
        numbers = (
            len(own), sum(not result.differences for result in own),
            sum(all(d.published_disagree for d in result.differences) for result in own),
            sum(result.compared for result in own), len(found),
            sum(d.published_disagree for d in found), sum(not d.why for d in found),
        )  # fmt: skip
        cells = " | ".join(f"{number:,}" for number in numbers)
        lines.append(f"| {release(year)} | {year} | {cells} |")
    return lines


def listing(differences: list[Difference], why: list[str]) -> list[str]:
    """A row per unequal count; its reason by number."""
    if not differences:
        return ["None."]
    lines = [
        "| authority | table | row | count | published | models | why |",
        "| --- | --- | --- | --- | ---: | ---: | ---: |",
    ]
    return lines + [
        f"| {d.authority} | {d.dataset} | {d.breakdown} | `{d.column}` | {d.published} | {d.models}"
        f" | {why.index(d.why or UNKNOWN) + 1} |"
        for d in sorted(differences, key=lambda d: (d.dataset, d.column, d.authority))
    ]


def raised(results: list[Result]) -> list[str]:
    """What the rules raise on the extracts: do all reach a submission; then a row per rule."""
    people = sum(result.people for result in results)
    red = [result for result in results if result.errors]
    lines = [
        f"The rules find no error in any of the {len(results)} extracts: all reach a submission."
        if not red
        else f"Of {len(results)} extracts {len(red)} have an error and reach no submission."
    ]
    lines += [
        f"{people:,} people are returned in all.",
        "",
        "| rule | severity | what it says | extracts | issues | per 1,000 people |",
        "| --- | --- | --- | ---: | ---: | ---: |",
    ]
    rules: dict[str, tuple[int, int, Raised]] = {}
    for result in results:
        for each in result.raised:
            extracts, issues, _ = rules.get(each.rule_id, (0, 0, each))
            rules[each.rule_id] = (extracts + 1, issues + each.issues, each)
    for extracts, issues, rule in sorted(rules.values(), key=lambda row: (-row[1], row[2].rule_id)):
        share = 1000 * issues / max(people, 1)
        lines.append(
            f"| {rule.rule_id} | {rule.severity} | {rule.message} | {extracts} | {issues:,}"
            f" | {share:.1f} |"
        )
    return lines
