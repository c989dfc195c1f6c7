"""Which return the lines are of."""

from dataclasses import dataclass
from datetime import date

import duckdb

from ...ground.errors import InputError
from ...spec.constants import BUILT
from .queries import THE_RETURN


@dataclass(frozen=True)
class Return:
    """The return a workbook is about, in words.

    `work_day` is the day of the extract, by which people work; `as_at` is never after survey day.
    """

    return_id: str
    year: int
    authority: str
    survey_day: date
    as_at: date
    work_day: date
    is_provisional: bool
    status: str

    @property
    def mark(self) -> str:
        """What a line of a workbook says of its return, to know it again."""
        return f"{self.return_id} {self.year}"


def read_return(connection: duckdb.DuckDBPyConnection, return_id: str, year: int) -> Return:
    """What a return is; one that is not there, or is of another year, is an input error."""
    row = connection.execute(THE_RETURN, {"return_id": return_id}).fetchone()
    if row is None or row[0] != year:
        known = connection.execute(
            "select return_id || ' of ' || collection_year from validation.returns order by 1"
        ).fetchall()
        held = ", ".join(line for (line,) in known) or "no return"
        raise InputError(f"There is no return {return_id} of {year}: the warehouse has {held}.")
    _, la_code, la_name, survey_day, as_at, is_provisional, status, extracted_on, own_name = row
    as_at = as_at or survey_day
    is_built = return_id == BUILT
    authority = (is_built and own_name) or " ".join(filter(None, (la_code, la_name))) or "not given"
    work_day = extracted_on if is_built and extracted_on else as_at
    return Return(return_id, year, authority, survey_day, as_at, work_day, is_provisional, status)
