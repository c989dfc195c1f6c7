"""What changed for one person: since last year's return, and since an earlier warehouse."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from .. import spec
from . import person as reader
from .person import Person, Record

IDENTIFIERS = ("upn", "unique_learner_number")
"""What says that two records are one person's, strongest first."""

BLANK = "blank"

Key = tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A value then and now; `table` and `column` say which item it is, None for none of them."""

    record: str
    item: str
    then: str
    now: str
    table: str | None = None
    column: str | None = None


def since_before(then: Person, now: Person) -> list[Change] | str:
    """What changed since an earlier warehouse of the same return, its ids being the same."""
    if not then.is_known:
        return "The person was not in that warehouse."
    cases = _cases(then, now)
    records = _records(then, now, lambda record: record.request_id or "")
    return [*cases, *records, *_issues(then, now)]


def since_last_year(
    connection: duckdb.DuckDBPyConnection, path: Path, now: Person
) -> Iterator[tuple[str, list[Change] | str]]:
    """What changed since each imported return of the year before, by its name.

    Where a build compared the two returns, people and their cases are the same as there. Else
    people are when their UPN is, or their ULN; requests when they were received, or their plans
    started, on the same day, or when both returns have just one that is left over.
    """
    returns = reader.ask(
        connection,
        "select return_id from validation.returns"
        " where collection_year = $year and return_id <> $return and return_id <> 'built'"
        " order by return_id",
        year=now.survey["collection_year"] - 1,
        **{"return": now.return_id},
    )
    for row in returns:
        return_id = row["return_id"]
        is_compared = _is_compared(connection, now, return_id)
        find = _joined_person if is_compared else _same_person
        person_id = find(connection, now, return_id)
        if person_id is None:
            yield return_id, "That return has nobody who is surely this person."
            continue
        then = reader.read(connection, path, person_id, return_id)
        cases = _joined_cases(connection, now, return_id) if is_compared else _pairing(then, now)
        yield return_id, _records(then, now, cases)


def _is_compared(connection: duckdb.DuckDBPyConnection, now: Person, return_id: str) -> bool:
    """Whether the warehouse holds the two returns compared; one of an older version does not."""
    try:
        return bool(_compared(connection, "pairs", now, return_id))
    except duckdb.CatalogException:
        return False


def _compared(
    connection: duckdb.DuckDBPyConnection, table: str, now: Person, return_id: str
) -> list[reader.Row]:
    """The rows of a table of the comparison, of this person where it is about people."""
    of_person = "" if table == "pairs" else " and later_person_id = $person"
    return reader.ask(
        connection,
        f"from validation.compared_{table}"
        f" where earlier_return_id = $return and later_return_id = $now{of_person}",
        now=now.return_id,
        person=now.person_id,
        **{"return": return_id},
    )


def _joined_person(
    connection: duckdb.DuckDBPyConnection, now: Person, return_id: str
) -> str | None:
    """The id there of the person that the comparison joined."""
    rows = _compared(connection, "matches", now, return_id)
    return rows[0]["earlier_person_id"] if rows else None


def _joined_cases(
    connection: duckdb.DuckDBPyConnection, now: Person, return_id: str
) -> Callable[[Record], str]:
    """Names each request of either return as the comparison joined them."""
    names = {
        row["earlier_request_id"]: row["later_request_id"]
        for row in _compared(connection, "cases", now, return_id)
        if row["earlier_request_id"] and row["later_request_id"]
    }
    return lambda record: names.get(record.request_id or "", record.request_id or "")


def _same_person(connection: duckdb.DuckDBPyConnection, now: Person, return_id: str) -> str | None:
    """The id of the one person there with the same identifier, tried strongest first."""
    own = next((record.items for record in now.records if record.table == "person"), {})
    for identifier in IDENTIFIERS:
        if own.get(identifier):
            found = reader.ask(
                connection,
                f"select person_id from person_level.person"
                f" where return_id = $return and {identifier} = $value limit 2",
                value=own[identifier],
                **{"return": return_id},
            )
            if len(found) == 1:
                return str(found[0]["person_id"])
    return None


def _pairing(then: Person, now: Person) -> Callable[[Record], str]:
    """Names each request of either return so that the same one has the same name in both."""

    def days(person: Person) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for record in person.records:
            day = {"requests": "received_date", "named_plan": "start_date"}.get(record.table)
            if day and (value := record.items[day]):
                found.setdefault(f"{record.table} {value}", []).append(record.request_id or "")
        return found

    before, after = days(then), days(now)
    names: dict[str, str] = {}
    for event in sorted(before.keys() & after.keys(), reverse=True):
        if len(before[event]) == len(after[event]) == 1:
            names.setdefault(before[event][0], after[event][0])
    lost = _requests(then) - names.keys()
    found = _requests(now) - set(names.values())
    if len(lost) == len(found) == 1:
        names[lost.pop()] = found.pop()
    return lambda record: names.get(record.request_id or "", record.request_id or "")


def _requests(person: Person) -> set[str]:
    return {record.request_id or "" for record in person.records if record.table == "requests"}


def _cases(then: Person, now: Person) -> Iterator[Change]:
    """Cases whose scope, or the reason for it, is another."""
    before = {row["request_id"]: row for row in then.scope}
    after = {row["request_id"]: row for row in now.scope}
    for request_id in sorted(before.keys() | after.keys()):
        was, is_ = before.get(request_id), after.get(request_id)
        if was is None or is_ is None or was["reason"] != is_["reason"]:
            yield Change(f"case {request_id}", "scope", _scope(was), _scope(is_))


def _scope(row: reader.Row | None) -> str:
    if row is None:
        return "no such case"
    return f"{'in' if row['in_return'] else 'out'}: {row['reason']}"


def _records(then: Person, now: Person, request: Callable[[Record], str]) -> list[Change]:
    """Records that went or came, and items that changed."""
    before, after = _keyed(then, request), _keyed(now, lambda record: record.request_id or "")
    collected = _collected(then) & _collected(now)
    changes = []
    order = list(spec.person_level_columns())
    for key in sorted(before.keys() | after.keys(), key=lambda key: (order.index(key[0]), key)):
        was, is_ = before.get(key), after.get(key)
        case = ("requests", key[1])
        if key[0] not in ("person", "requests") and (case in before) != (case in after):
            continue  # the request itself says it
        name = ", ".join(
            part for part in (f"{key[0].replace('_', ' ')} {key[1]}", *key[2:]) if part
        )
        if was is None or is_ is None:
            changes.append(
                Change(name, "record", "there" if was else "not there",
                       "there" if is_ else "not there")
            )  # fmt: skip
            continue
        changes += [
            Change(name, column.replace("_", " "), was.items.get(column) or BLANK,
                   value or BLANK, was.table, column)
            for column, value in is_.items.items()
            if (is_.table, column) in collected and was.items.get(column) != value
        ]  # fmt: skip
    return changes


def _collected(person: Person) -> set[tuple[str, str]]:
    """The items of the person's return: only what both years collect can have changed."""
    year = person.survey["collection_year"]
    return {(row["table_name"], row["column_name"]) for row in spec.in_force("items", year)}


def _keyed(person: Person, request: Callable[[Record], str]) -> dict[Key, Record]:
    """Records by what stays the same: the case, and their own rank and first day in it."""
    found: dict[Key, Record] = {}
    seen: Counter[Key] = Counter()
    for record in person.records:
        own = [
            record.items.get(name) or ""
            for name in ("placement_rank", "sen_type_rank", "entry_date")
            if name in record.items
        ]
        key = (record.table, request(record), *own)
        seen[key] += 1
        found[(*key, str(seen[key])) if seen[key] > 1 else key] = record
    return found


def _issues(then: Person, now: Person) -> Iterator[Change]:
    """Rules that fire now and did not, or no longer do."""
    before = {(row["rule_id"], str(row["record_id"])): row for row in then.issues}
    after = {(row["rule_id"], str(row["record_id"])): row for row in now.issues}
    for rule_id, record_id in sorted(before.keys() ^ after.keys()):
        is_new = (rule_id, record_id) in after
        row = (after if is_new else before)[rule_id, record_id]
        words = f"{row['severity'].replace('_', ' ')}: {row['message']}"
        yield Change(
            f"rule {rule_id}, {record_id}",
            "issue",
            "" if is_new else words,
            words if is_new else "cleared",
        )
