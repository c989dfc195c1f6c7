"""The submission: DfE's XML file, checked and read back before it appears.

DuckDB itself builds the text, by one query made from the structure of the year; Python streams it
to a temporary file in the folder of the submission. Only a file that fits the schema and that, read
back, equals the tables takes its name there (`export`, or its steps one by one).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb

from .. import warehouse
from ..ground import places
from ..ground.errors import RED, DefectError, Sen2Error
from ..warehouse.swap import to_disk
from .read_back import Digests, differences, digests_of_tables, read_back
from .schema_check import SchemaFault, allowed_rules, person_element, validate
from .xml_text import Draft, explained, file_stem, removed_on_failure, write

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Submission(Draft):
    """A file under its own name, ready to be uploaded."""


class NotValidError(Sen2Error):
    """The return does not make a file that DfE could load: no submission was written."""

    exit_code = RED

    def __init__(self, message: str, faults: Sequence[SchemaFault]) -> None:
        """Keep every fault beside the message, which shows the first few."""
        super().__init__(message)
        self.faults = tuple(faults)


# Publishing


def publish(draft: Draft, out: Path) -> Submission:
    """Give a draft its own name in the folder `out`, at once and for good, and say so."""
    path = out / draft.name
    with explained(out), removed_on_failure(draft.path):
        to_disk(draft.path)
        draft.path.replace(path)
        to_disk(out)
    return Submission(**(vars(draft) | {"path": path}))


def export(
    path: Path,
    return_id: str,
    year: int,
    out: Path,
    *,
    why_not: Callable[[Digests, Digests], Sequence[str]] = differences,
) -> Submission:
    """Write, check, read back and publish a return of the warehouse at `path`.

    `why_not` is the leaving gate: from the digests of the file and of the return, the reasons why
    the file may not leave. Whatever goes wrong, nothing new is in `out` and what was there stays.
    """
    with warehouse.connect(path, read_only=True) as connection:
        allowed = allowed_rules(connection, return_id)
        draft = write(connection, return_id, year, out)
        with removed_on_failure(draft.path):
            with ThreadPoolExecutor(1) as other:  # DuckDB leaves the interpreter to the reader
                stored = other.submit(digests_of_tables, connection, return_id, year)
                written = read_back(draft.path, year, allowed)
            if written is None:
                faults = validate(draft.path, year, allowed)
                persons = persons_at(connection, return_id, year, draft.path, faults)
                raise NotValidError(_not_valid(draft, faults, persons), faults)
            if reasons := why_not(written, stored.result()):
                raise DefectError(
                    "The file does not hold what the return does. " + " ".join(reasons)
                )
    return publish(draft, out)


def persons_at(
    connection: Connection, return_id: str, year: int, path: Path, faults: Sequence[SchemaFault]
) -> list[str]:
    """The person_id of each fault in a written file; blank where the fault is in the header."""
    begins = f"<{person_element(year).tag}>".encode()
    numbers, number, wanted = {}, 0, {fault.line for fault in faults}
    with path.open("rb") as file:
        for line, text in enumerate(file, start=1):
            number += text.strip() == begins  # we write one element a line
            if line in wanted:
                numbers[line] = number
    found = dict(
        connection.execute(
            "select number, person_id from ("
            " select person_id, row_number() over (order by person_id) as number"
            " from person_level.person where return_id = ?)"
            " where list_contains(?, number)",
            [return_id, sorted(set(numbers.values()))],
        ).fetchall()
    )
    return [found.get(numbers.get(fault.line, 0), "") for fault in faults]


def _not_valid(draft: Draft, faults: Sequence[SchemaFault], persons: Sequence[str]) -> str:
    shown = [
        (f"person {person}, " if person else "") + f"{fault.element}: {fault.problem}"
        for fault, person in zip(faults, persons, strict=True)
    ][:10]
    more = f"; and {len(faults) - len(shown)} more" if len(faults) > len(shown) else ""
    return (
        f"{draft.name} would not fit the structure of the collection {draft.year}, so it was not"
        f" written: {'; '.join(shown)}{more}."
    )


def submissions_in(folder: Path, la_code: str, year: int) -> list[Path]:
    """The authority's submissions of the year in a folder, by name."""
    return sorted(folder.glob(f"{file_stem(la_code, year)}*.xml"))


def retire_others(out: Path, la_code: str, year: int, keep: Path | None) -> list[Path]:
    """Move the authority's other submissions of the year to `superseded`; say where they are."""
    others = [
        path for path in submissions_in(out, la_code, year) if path.name != (keep and keep.name)
    ]
    with explained(out):
        if others:
            (out / places.SUPERSEDED).mkdir(exist_ok=True)
        for path in others:
            path.replace(out / places.SUPERSEDED / path.name)
    return [out / places.SUPERSEDED / path.name for path in others]
