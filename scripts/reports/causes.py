"""Likely causes: a date whose earlier value, put back, clears several faults of a person.

Nothing is guessed: the earlier value is put into a copy of the warehouse, the rules run there, and
what they no longer find is counted.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import duckdb

from .. import warehouse
from ..build import build
from ..ground import places
from ..warehouse import AUDIT_TABLES, quoted

MOST_ROUNDS = 2
"""Most values of one person that are tried; each round tries one of every person at once."""
LEAST_CLEARED = 2
"""A value is a likely cause when so many faults go with it."""

EARLIER = """
    select max_by(return_id, collection_year) as return_id
    from validation.returns
    where return_id <> 'built'
        and collection_year < (select max(collection_year) from intermediate.survey)
"""
CANDIDATES = f"""
    with earlier as ({EARLIER}),

    faulty as (
        select person_id, count(*) as faults
        from validation.issues
        where return_id = 'built'
        group by person_id
        having count(*) >= $least
    )

    select distinct
        changes.later_person_id,
        changes.item,
        changes.earlier_value,
        cells.source_table,
        cells.source_column,
        cells.file,
        cells.row,
        faulty.faults,
    from validation.compared_changes as changes
    inner join earlier on changes.earlier_return_id = earlier.return_id
    inner join faulty on changes.later_person_id = faulty.person_id
    inner join audit.lineage as cells
        on cells.return_id = 'built'
            and changes.later_person_id = cells.person_id
            and changes.item = cells.xml_tag
            and cells.how = 'copied'
            and (
                changes.later_request_id = cells.request_id
                or changes.later_request_id is null
                or cells.request_id is null
            )
    where changes.later_return_id = 'built'
        and try_cast(changes.earlier_value as date) is not null
        and cells.row is not null
    order by all
"""
FAULTS = """
    select person_id, rule_id, record_id, count(*)
    from validation.issues
    where return_id = 'built' and list_contains($people, person_id)
    group by all
"""


class Candidate(NamedTuple):
    """An earlier value, and the cell of the extract it may belong in."""

    person_id: str
    xml_tag: str
    value: str
    table: str
    column: str
    file: str
    row: int
    faults: int


def find_causes(
    path: Path, year: int, on_round: Callable[[int, int], None] = lambda done, total: None
) -> int | None:
    """Keep in the warehouse which earlier values clear several faults; returns how many there are.

    The comparison with an earlier return says what to try; None where there is no such return.
    """
    with warehouse.connect(path, read_only=True) as connection:
        ((earlier,),) = connection.execute(EARLIER).fetchall()
        rows = connection.execute(CANDIDATES, {"least": LEAST_CLEARED}).fetchall()
    rounds = _rounds([Candidate(*row) for row in rows])
    found: list[tuple[object, ...]] = []
    for number, tried in enumerate(rounds, start=1):
        found += _try(path, year, tried)
        on_round(number, len(rounds))
    with warehouse.connect(path) as connection:
        connection.execute(
            f"create or replace table audit.likely_causes ({AUDIT_TABLES['likely_causes']})"
        )
        if found:
            connection.executemany(
                "insert into audit.likely_causes values (?, ?, ?, ?, ?, ?, ?)", found
            )
    return len(found) if earlier else None


def _rounds(candidates: list[Candidate]) -> list[list[Candidate]]:
    """The values to try, one of each person in a round."""
    of_person: dict[str, list[Candidate]] = {}
    for each in candidates:
        of_person.setdefault(each.person_id, []).append(each)
    rounds = ([own[n] for own in of_person.values() if n < len(own)] for n in range(MOST_ROUNDS))
    return [tried for tried in rounds if tried]


def _try(path: Path, year: int, tried: list[Candidate]) -> Iterator[tuple[object, ...]]:
    """Put values into a copy, run the rules there, and say what each one clears."""
    people = [each.person_id for each in tried]
    with TemporaryDirectory(dir=path.parent, prefix=".causes-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        with warehouse.connect(copy) as connection:
            before = _faults(connection, people)
            for each in tried:
                connection.execute(
                    f"update raw.{quoted(each.table)} set {quoted(each.column)} = ?"
                    " where _file = ? and _row = ?",
                    [each.value, each.file, each.row],
                )
        build.build(copy, year, compiled=path.parent / places.COMPILED)
        with warehouse.connect(copy, read_only=True) as connection:
            after = _faults(connection, people)
    for each in tried:
        gone = before.get(each.person_id, set()) - after.get(each.person_id, set())
        come = after.get(each.person_id, set()) - before.get(each.person_id, set())
        if len(gone) - len(come) >= LEAST_CLEARED:
            rules = ", ".join(sorted({rule for rule, _ in gone}))
            yield (
                each.person_id, each.xml_tag, each.table, each.value,
                len(gone) - len(come), len(before[each.person_id]), rules,
            )  # fmt: skip


def _faults(
    connection: duckdb.DuckDBPyConnection, people: list[str]
) -> dict[str, set[tuple[str, str]]]:
    """The faults of these people: rule and record."""
    found: dict[str, set[tuple[str, str]]] = {}
    for person, rule, record, _ in connection.execute(FAULTS, {"people": people}).fetchall():
        found.setdefault(person, set()).add((rule, record))
    return found
