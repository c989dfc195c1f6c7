"""What a fault does to a row, and to what is expected of the case."""

from collections.abc import Callable

import numpy as np

from ... import spec
from ..identifiers import UPN_LETTERS, check_letters
from ..survey import outcome_code
from ..tables import person_id, plan_id, request_id
from .cases import earlier_plan
from .finder import Change, Finder, Values, Where


def put(**values: str) -> Change:
    """Write these values into the row."""
    return put_from(lambda find, case: values)


def put_from(values: Values) -> Change:
    """Write values that depend on the case into the row; nothing where it has them already."""

    def change(find: Finder, case: int, table: str, row: int) -> int | None:
        written = values(find, case)
        rows = find.tables[table]
        if all(rows.value(row, column) == value for column, value in written.items()):
            return None
        rows.put(row, **written)
        return row

    return change


def then(change: Change, expect: Callable[[Finder, int], None]) -> Change:
    """Change the row, and what is expected of the case."""

    def changed(find: Finder, case: int, table: str, row: int) -> int | None:
        done = change(find, case, table, row)
        if done is not None:
            expect(find, case)
        return done

    return changed


def becomes(category: int, request: str | None = None, assessment: str | None = None,
            none: bool = False) -> Callable[[Finder, int], None]:  # fmt: skip
    """The case is now expected in another category, with other outcomes."""

    def expect(find: Finder, case: int) -> None:
        find.cases.category[case] = category
        if request:
            code = outcome_code(find.survey, "request", request)
            find.sample.request_outcome[case] = code
        if assessment:
            code = outcome_code(find.survey, "assessment", assessment)
            find.sample.assessment_outcome[case] = code
        if none:
            find.sample.assessment_outcome[case] = ""

    return expect


def no_exception(find: Finder, case: int) -> None:
    """A plan with no exception flag counts as one without an exception."""
    find.cases.exception[case] = False


def not_dated(find: Finder, case: int) -> None:
    """A plan with no date of issue is not in the 20-week figure."""
    find.cases.issue_decided[case] = np.datetime64("NaT")


def upn_with(position: int, text: str) -> Values:
    """The UPN with other characters from a position on."""

    def values(find: Finder, case: int) -> dict[str, str]:
        upn = find.tables["people"].value(int(find.cases.person[case]), "upn")
        return {"upn": upn[:position] + text + upn[position + len(text) :]}

    return values


def upn_of_no_authority(find: Finder, case: int) -> dict[str, str]:
    """A UPN with a right check letter whose authority does not exist."""
    known = {row["code"] for row in spec.seed("upn_la_codes")}
    unknown = next(code for code in map(str, range(999, 99, -1)) if code not in known)
    upn = upn_with(1, unknown)(find, case)["upn"]
    digits = np.array([[int(character) for character in upn[1:]]])
    return {"upn": UPN_LETTERS[int(check_letters(digits)[0])] + upn[1:]}


def wrong_check_letter(find: Finder, case: int) -> dict[str, str]:
    """The UPN with the next letter of the alphabet in front."""
    upn = find.tables["people"].value(int(find.cases.person[case]), "upn")
    place = (UPN_LETTERS.index(upn[0]) + 1) % len(UPN_LETTERS)
    return {"upn": UPN_LETTERS[place] + upn[1:]}


def upn_shortened(find: Finder, case: int) -> dict[str, str]:
    """The UPN without its last character."""
    return {"upn": find.tables["people"].value(int(find.cases.person[case]), "upn")[:-1]}


def uln_shortened(find: Finder, case: int) -> dict[str, str]:
    """The ULN without its last digit."""
    return {"uln": find.tables["people"].value(int(find.cases.person[case]), "uln")[:-1]}


def uln_wrong_digit(find: Finder, case: int) -> dict[str, str]:
    """The ULN with another check digit."""
    uln = find.tables["people"].value(int(find.cases.person[case]), "uln")
    return {"uln": uln[:-1] + str((int(uln[-1]) + 1) % 10)}


def same_as_another(*columns: str, where: Where) -> Change:
    """Copy values of another person, who then takes no fault of their own."""

    def change(find: Finder, case: int, table: str, row: int) -> int | None:
        other = find.other_person(case, where(find))
        if other is None:
            return None
        other_row = find.row(table, other)
        values = {column: find.tables[table].value(other_row, column) for column in columns}
        find.tables[table].put(row, **values)
        return row

    return change


def day(column: str, after: int, target: str) -> Change:
    """Write a date so many days from one of the case's own days (a column of Cases)."""

    def values(find: Finder, case: int) -> dict[str, str]:
        return {target: str(getattr(find.cases, column)[case] + after)}

    return put_from(values)


def own_authority(column: str) -> Change:
    """Write the authority's own code."""
    return put_from(lambda find, case: {column: find.sample.la_code})


def repeat(find: Finder, case: int, table: str, row: int) -> int:
    """Append the row once more."""
    return find.tables[table].add(**find.tables[table].row(row))


def orphan(parent: str, prefix: str, blank: str = "", **own: str) -> Change:
    """Append a copy of the row whose parent does not exist, with a key of its own."""

    def change(find: Finder, case: int, table: str, row: int) -> int:
        number = find.next_id()
        values = find.tables[table].row(row)
        values[parent] = f"{prefix}{number}"
        values.update({column: f"{letter}{number}" for column, letter in own.items()})
        values.update({blank: ""} if blank else {})
        return find.tables[table].add(**values)

    return change


def another_row(values: Values) -> Change:
    """Append a row."""

    def change(find: Finder, case: int, table: str, row: int) -> int:
        return find.tables[table].add(**values(find, case))

    return change


def remove_children(child: str) -> Change:
    """Remove the rows of the plan from a table of its children."""

    def change(find: Finder, case: int, table: str, row: int) -> int:
        plan = int(find.sample.plan_number[case])
        if child == "placements":
            rows = np.flatnonzero(find.sample.placements.plan == plan)
        else:
            second = getattr(find.sample.plans, "second" if child == "plan_settings" else
                             "second_need")[plan] >= 0  # fmt: skip
            first = find.row(child, case)
            rows = np.arange(first, first + 1 + int(second))
        find.tables[child].removed.update(rows.tolist())
        return row

    return change


def third(column: str, value: str) -> Change:
    """Append a third row of the plan."""

    def change(find: Finder, case: int, table: str, row: int) -> int:
        plan = plan_id(int(find.sample.plan_number[case]))
        flags = {"sen_unit": "0", "resourced_provision": "0"}
        return find.tables[table].add(plan_id=plan, rank="3", **{column: value}, **flags)

    return change


def same_need(find: Finder, case: int, table: str, row: int) -> int:
    """The second need is the first again."""
    find.tables[table].put(row + 1, need=find.tables[table].value(row, "need"))
    return row + 1


def second_open_placement(find: Finder, case: int, table: str, row: int) -> int:
    """Another open placement at the same rank."""
    values = find.tables[table].row(row)
    values["placement_id"] = f"L{find.next_id()}"
    values["entry_date"] = find.day_now(-30)
    return find.tables[table].add(**values)


def left_before_entry(find: Finder, case: int) -> dict[str, str]:
    """A leaving date before the entry date."""
    entry = find.sample.placements.entry[find.row("placements", case)]
    return {"leaving_date": str(entry - 5)}


def at_closed_school(find: Finder, case: int) -> dict[str, str]:
    """An establishment that closed before the placement began."""
    return {"urn": find.sample.closed_urn}


def review_before_plan(find: Finder, case: int) -> dict[str, str]:
    """A review meeting before the plan started."""
    plan = plan_id(int(find.sample.plan_number[case]))
    return {"plan_id": plan, "meeting_date": str(find.cases.start[case] - 30)}


def review_without_meeting(find: Finder, case: int) -> dict[str, str]:
    """A review decision with no meeting."""
    plan = plan_id(int(find.sample.plan_number[case]))
    return {"plan_id": plan, "decision": "M", "decision_date": find.day_now(-40)}


def review_decided_early(find: Finder, case: int) -> dict[str, str]:
    """A review decided before its meeting."""
    meeting = find.sample.reviews.meeting[find.row("reviews", case)]
    return {"decision_date": str(meeting - 5)}


def review_draft(find: Finder, case: int) -> dict[str, str]:
    """A draft amended plan ten days after the review was decided."""
    decided = find.sample.reviews.decided[find.row("reviews", case)]
    return {"draft_date": str(decided + 10)}


def unusual_due_date(find: Finder, case: int) -> dict[str, str]:
    """A phase transfer due date on a day that is none of the usual ones."""
    return {"phase_transfer_due_date": find.day_now(66)}


def moved_with_plan(find: Finder, case: int) -> dict[str, str]:
    """Recorded as moved away although a plan followed."""
    authority = next(c for c in find.survey.in_force("LA") if c != find.sample.la_code)
    return {"moved_to_la": authority, "moved_date": str(find.cases.decided[case] + 1)}


def request_unknown(find: Finder, case: int, table: str, row: int) -> int:
    """The plan points to a request that is not there; its own request has no plan any more."""
    own = request_id(int(find.sample.request_number[case]))
    find.sample.left_behind.append((own, person_id(int(find.cases.person[case]))))
    find.sample.request_number[case] = -1
    find.tables[table].put(row, request_id=f"R{find.next_id()}")
    return row


def shares_request(find: Finder, case: int, table: str, row: int) -> int:
    """Two plans carry one request."""
    earlier = int(earlier_plan(find)[case])
    find.tables[table].put(row, request_id=request_id(int(find.sample.request_number[earlier])))
    return row
