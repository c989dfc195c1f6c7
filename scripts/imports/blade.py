"""COLLECT's "Blade" export: nine CSV files in a folder, their rows joined by table ids."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from ..ground.console import Advance
from ..ground.errors import InputError
from ..land.read.delimited import FORBIDDEN
from . import table_return
from .result import LONGEST_TEXT
from .table_return import Part, TableReturn
from .xml.reader import Connection

LAYOUT = "blade"
NAME = re.compile(r"Blade-Export_(?P<day>.+)_(?P<part>[a-z0-9]+)\.csv", re.IGNORECASE)
UTF_8, WINDOWS = "utf-8-sig", "cp1252"
CHUNK = 1 << 20


def files(folder: Path) -> list[Path]:
    """The files of the export in a folder, in the order of the return.

    A folder without one whole export, or with several, is an input error.
    """
    parts = table_return.layout(LAYOUT)
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        if (name := NAME.fullmatch(path.name)) and name["part"].lower() in parts:
            found.setdefault(name["day"], {})[name["part"].lower()] = path
    if not found:
        raise InputError(
            f"{folder}: no file in it is of a COLLECT export (Blade-Export_31-01-2025_person.csv"
            " and eight more). Give the folder that holds them, under the names they came with."
        )
    if len(found) > 1:
        days = ", ".join(sorted(found))
        raise InputError(f"{folder}: holds exports of several days ({days}). Leave only one.")
    ((day, export),) = found.items()
    if missing := [f"Blade-Export_{day}_{part}.csv" for part in parts if part not in export]:
        raise InputError(
            f"{folder}: {', '.join(missing)} is missing. An export has one file for each of its"
            f" {len(parts)} tables; export it again."
        )
    return [export[part] for part in parts]


def read(connection: Connection, folder: Path, advance: Advance) -> TableReturn:
    """Read the files of an export."""
    gathered = TableReturn(connection, LAYOUT, folder, has_case_ids=False)
    paths = files(folder)
    for number, (name, path) in enumerate(
        zip(table_return.layout(LAYOUT), paths, strict=True), start=1
    ):
        _take(gathered, name, path)
        advance(number, len(paths))
    return gathered


def _take(gathered: TableReturn, name: str, path: Path) -> None:
    with path.open(encoding=_encoding(path), newline="") as file:
        rows = _rows(path, csv.reader(file, strict=True))
        _, headings = next(rows, (1, []))
        if not any(headings):
            raise InputError(f"{path}, row 1: there is no header row. Export it again.")
        known = table_return.layout(LAYOUT)[name]
        part = Part.found(name, headings, known, path.name, 1, f"{path}, row 1")
        gathered.take(part, rows)


def _encoding(path: Path) -> str:
    """UTF-8, or Windows-1252 where a file is not; neither is an input error."""
    for encoding in (UTF_8, WINDOWS):
        try:
            with path.open(encoding=encoding, newline="") as file:
                while file.read(CHUNK):
                    pass
        except UnicodeDecodeError:
            continue
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
        return encoding
    raise InputError(f"{path}: is neither UTF-8 nor Windows-1252 text. Export it again.")


def _rows(path: Path, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Row number and values; what cannot be told apart, or is no text, is an input error."""
    width = number = 0
    before = csv.field_size_limit(LONGEST_TEXT)
    try:
        for number, values in enumerate(reader, start=1):
            width = width or len(values)
            if values and len(values) != width:
                raise InputError(
                    f"{path}, row {number}: has {len(values)} values, but the header has {width}"
                    " columns. Export it again, and do not open it in between."
                )
            for place, value in enumerate(values, start=1):
                if found := FORBIDDEN.search(value):
                    raise InputError(
                        f"{path}, row {number}, column {place}: holds a character that no return"
                        f" can (U+{ord(found[0]):04X}). It was not read."
                    )
            if values:
                yield number, values
    except csv.Error as error:
        long = "field larger" in str(error)
        raise InputError(
            f"{path}, row {number + 1}: "
            + (
                f"a value is longer than {LONGEST_TEXT:,} characters, so this is no SEN2 return."
                if long
                else "has a quote that is not closed, or text after one. Export it again."
            )
        ) from None
    finally:
        csv.field_size_limit(before)
