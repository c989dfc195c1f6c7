"""Columns of days, drawn and reckoned whole: datetime64[D], NaT for "no such event"."""

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Days = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]
Random = np.random.Generator


Columns = TypeVar("Columns", bound="DataclassInstance")


def joined(blocks: Sequence[Columns]) -> Columns:
    """Dataclasses of columns, one after another."""
    kind = type(blocks[0])
    return kind(
        **{
            item.name: np.concatenate([getattr(block, item.name) for block in blocks])
            for item in fields(kind)
        }
    )


def taken(block: Columns, rows: Any) -> Columns:
    """Some entries of a dataclass of columns, in the order asked for."""
    return type(block)(**{item.name: getattr(block, item.name)[rows] for item in fields(block)})


def never(size: int) -> Days:
    """A column of events that did not happen."""
    return np.full(size, np.datetime64("NaT"), dtype="datetime64[D]")


def when(condition: Flags, days: Days) -> Days:
    """The days where the condition holds, and no event elsewhere."""
    return np.where(condition, days, np.datetime64("NaT"))


def add_years(days: Any, years: Any) -> Any:
    """The same day so many years on; 29 February becomes the last day of February."""
    months = days.astype("datetime64[M]")
    target = months + 12 * np.asarray(years)
    length = (target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")
    day = np.minimum(days - months.astype("datetime64[D]"), length - np.timedelta64(1, "D"))
    return target.astype("datetime64[D]") + day


def age_on(births: Days, days: Any) -> Ints:
    """Age in whole years on the days."""
    month, month_born = days.astype("datetime64[M]"), births.astype("datetime64[M]")
    later_day = (births - month_born.astype("datetime64[D]")) > (
        days - month.astype("datetime64[D]")
    )
    return ((month - month_born).astype(np.int64) - later_day) // 12


def year_of(days: Any) -> Ints:
    """The calendar year of the days."""
    return days.astype("datetime64[Y]").astype(np.int64) + 1970


def day_in(years: Any, month_day: str) -> Any:
    """A day such as 09-01 in each of the years."""
    month, day = (int(part) for part in month_day.split("-"))
    first = (np.asarray(years) - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    return first.astype("datetime64[D]") + (day - 1)


def between(rng: Random, first: Any, last: Any, size: int) -> Days:
    """A day from first to last, each as likely."""
    width = (np.asarray(last) - np.asarray(first)).astype(np.int64) + 1
    return first + (rng.random(size) * np.maximum(width, 1)).astype(np.int64)
