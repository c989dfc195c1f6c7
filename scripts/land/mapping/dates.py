"""Date formats of a mapping: their names, and the SQL that reads a text by them."""

from collections.abc import Sequence

import duckdb

from ...ground.sql import literal

FORMATS = {
    "yyyy-mm-dd": ("%Y-%m-%d", r"\d{4}-\d{1,2}-\d{1,2}"),
    "yyyy/mm/dd": ("%Y/%m/%d", r"\d{4}/\d{1,2}/\d{1,2}"),
    "yyyymmdd": ("%Y%m%d", r"\d{8}"),
    "dd/mm/yyyy": ("%d/%m/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
    "dd-mm-yyyy": ("%d-%m-%Y", r"\d{1,2}-\d{1,2}-\d{4}"),
    "dd.mm.yyyy": ("%d.%m.%Y", r"\d{1,2}\.\d{1,2}\.\d{4}"),
    "mm/dd/yyyy": ("%m/%d/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
    "dd/mm/yy": ("%d/%m/%y", r"\d{1,2}/\d{1,2}/\d{2}"),
    "dd-mm-yy": ("%d-%m-%y", r"\d{1,2}-\d{1,2}-\d{2}"),
    "dd mmm yyyy": ("%d %b %Y", r"\d{1,2} [A-Za-z]{3} \d{4}"),
    "dd-mmm-yyyy": ("%d-%b-%Y", r"\d{1,2}-[A-Za-z]{3}-\d{4}"),
    "dd-mmm-yy": ("%d-%b-%y", r"\d{1,2}-[A-Za-z]{3}-\d{2}"),
    "dd mmmm yyyy": ("%d %B %Y", r"\d{1,2} [A-Za-z]+ \d{4}"),
    "yyyy-mmm-dd": ("%Y-%b-%d", r"\d{4}-[A-Za-z]{3}-\d{1,2}"),
}
"""Name to DuckDB's format and the texts it may read: %Y alone would take the year 25 for 2025."""

EXCEL = "excel"
EXCEL_SERIAL = r"\d{5}(\.\d+)?"
TWO_DIGIT_YEAR = r"\d{1,2}[-/. ](\d{1,2}|[A-Za-z]{3})[-/. ]\d{2}"
TIME = r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?(Z|[+-]\d{2}(:?\d{2})?)?$"
EXCEL_EPOCH = "1899-12-30"  # day 0 as Excel counts from March 1900 on


def is_known(name: str) -> bool:
    """Whether a mapping may name this format."""
    return name in FORMATS or name == EXCEL or ("%" in name and _can_read(name))


def _can_read(written: str) -> bool:
    """Whether DuckDB understands what stands behind the %."""
    with duckdb.connect() as connection:
        try:
            connection.execute("select try_strptime('', ?)", [written])
        except duckdb.Error:
            return False
    return True


def read(text: str, formats: Sequence[str]) -> str:
    """SQL that reads a text by the first format that fits, as 2026-01-31; NULL when none does.

    A time of day after the date is left off. `text` is an SQL expression.
    """
    bare = f"regexp_replace({text}, '{TIME}', '')"
    tries = [_read_one(bare, name) for name in formats]
    return f"coalesce({', '.join(tries)})"


def _read_one(bare: str, name: str) -> str:
    if name == EXCEL:
        return (
            f"case when regexp_full_match({bare}, '{EXCEL_SERIAL}') then"
            f" strftime(date '{EXCEL_EPOCH}' + floor({bare}::double)::integer, '%Y-%m-%d') end"
        )
    written, shape = FORMATS.get(name, (name, None))
    day = f"strftime(try_strptime({bare}, {literal(written)}), '%Y-%m-%d')"
    return f"case when regexp_full_match({bare}, '{shape}') then {day} end" if shape else day
