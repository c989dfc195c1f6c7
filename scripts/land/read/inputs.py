"""The inputs of a mapping, read: every file or query result becomes rows of text with a number."""

import codecs
import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import duckdb
from charset_normalizer import from_bytes

from ...ground import files
from ...ground.errors import InputError
from ...untrusted import parsers
from ...warehouse import quoted
from .. import headings
from ..mapping.model import Input
from . import delimited, workbook
from .delimited import UTF_8, Insert, SetAside, TextFile

WORKBOOKS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
JSON_LINES = {".jsonl", ".ndjson", ".json"}
DELIMITERS = (",", "\t", ";", "|")
ENCODINGS = ["cp1252", "latin_1", "utf_16_le", "utf_16_be"]
NO_ENCODINGS = {"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"}
SAMPLE = 1 << 18


@dataclass(frozen=True)
class InputFile:
    """One file, sheet or query result of an input, before it is loaded.

    `name` is what lands in `_file`; `load` loads its rows and gives those set aside. `facts` says
    how it was read, in words. `bytes` and `sha256` are of the file, or of nothing for a query.
    """

    name: str
    header: list[str]
    load: Callable[[duckdb.DuckDBPyConnection, Insert], list[SetAside]] = field(repr=False)
    facts: str = ""
    bytes: int | None = None
    sha256: str | None = None
    path: Path | None = None
    state: files.State | None = None


class NoHeadingsError(InputError):
    """A file has none of the headings that are looked for."""


def open_those_having(
    files: Iterable[tuple[Path, str]], name: str, stated: Input, wanted: Iterable[str]
) -> list[InputFile]:
    """The files of an input, without those that lack a heading which all of its files have."""
    needed = {headings.fold(heading) for heading in stated.having}
    kept = []
    for path, label in files:
        try:
            found = open_file(path, label, stated, wanted)
        except NoHeadingsError:
            if needed:
                continue
            raise
        if needed <= {headings.fold(heading) for heading in found.header}:
            kept.append(found)
    if not kept and needed and not stated.may_be_missing:
        raise InputError(
            f"no file {' or '.join(stated.files)} has the headings {'; '.join(stated.having)}, by"
            f" which the mapping tells the files of its input {name}. Add that file, or correct"
            " the mapping."
        )
    return kept


def find(extract: Path, name: str, stated: Input) -> list[tuple[Path, str]]:
    """The files of an input and the names they land under, in the order of those names."""
    if extract.is_file():
        return [(extract, extract.name)]
    found = {
        path: path.relative_to(extract).as_posix()
        for pattern in stated.files
        for path in extract.glob(pattern)
        if path.is_file() and not path.name.startswith(("~$", "."))
    }
    if not found and not stated.may_be_missing:
        raise InputError(
            f"{extract}: has no file {' or '.join(stated.files)}, which the mapping's input {name}"
            " reads. Add it, correct the mapping, or say may_be_missing: true there."
        )
    return sorted(found.items(), key=lambda each: each[1])


def open_file(path: Path, name: str, stated: Input, wanted: Iterable[str]) -> InputFile:
    """A file as it can be loaded; `wanted` are the headings that the mapping names."""
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path}: the file is empty. Give at least the header row.")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    spellings = {headings.fold(heading): heading for heading in wanted}
    kind = path.suffix.lower()
    if stated.under and kind not in WORKBOOKS:
        raise InputError(
            f"{path}: the mapping reads the table under {stated.under}, but only a sheet of a"
            " workbook holds several tables. Give the workbook, or leave out under."
        )
    if kind in WORKBOOKS:
        return _open_sheet(path, name, stated, spellings)
    if kind == ".parquet":
        return _open_parquet(path, name, spellings)
    if kind in JSON_LINES:
        return _open_json_lines(path, name, spellings)
    return _open_text(path, name, stated, spellings)


def _open_text(path: Path, name: str, stated: Input, spellings: dict[str, str]) -> InputFile:
    state = files.state(path)
    encoding, (digest, size, is_plain) = _encoding(path, stated.encoding)
    with path.open(encoding=encoding, newline="") as file:
        lines = list(islice(file, headings.SEARCHED_ROWS + 10))
    choices = [stated.delimiter] if stated.delimiter else DELIMITERS
    tops = {each: _top(path, lines, each, stated.quote) for each in choices}
    delimiter = max(
        tops,
        key=lambda each: (
            max((headings.score(row, set(spellings)) for row in tops[each]), default=0),
            max(map(len, tops[each]), default=0),
        ),
    )
    header_rows = _header_rows(path, tops[delimiter], stated, spellings)
    header = headings.merge([tops[delimiter][row - 1] for row in header_rows])
    text = TextFile(
        path=path,
        name=name,
        header=headings.name_columns(header, spellings),
        bytes=size,
        sha256=digest,
        state=state,
        is_plain=is_plain,
        encoding=encoding,
        delimiter=delimiter,
        quote=stated.quote,
        header_row=header_rows[-1],
        must_be_clean=False,
        fills_short_rows=stated.short_rows == "fill",
        skips_empty_rows=True,
    )
    called = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}.get(delimiter, delimiter)
    facts = f"{encoding.removesuffix('-sig')}, {called}, header row {header_rows[-1]}"
    return InputFile(
        name=name,
        header=text.header,
        load=lambda connection, insert: delimited.load(connection, text, insert),
        facts=facts,
        bytes=size,
        sha256=digest,
        path=path,
    )


def _top(path: Path, lines: Sequence[str], delimiter: str, quote: str) -> list[list[str]]:
    """The first rows of a text as one delimiter would have them."""
    reader = csv.reader(iter(lines), delimiter=delimiter, quotechar=quote)
    with parsers.csv_faults(path):
        return list(islice(reader, headings.SEARCHED_ROWS))


def _header_rows(
    path: Path, top: Sequence[Sequence[str]], stated: Input, spellings: dict[str, str]
) -> list[int]:
    """The rows of the headings, from 1: stated, or found by the headings that are wanted."""
    if stated.header_row:
        if max(stated.header_row) > len(top) or min(stated.header_row) < 1:
            raise InputError(
                f"{path}: has no row {max(stated.header_row)}, where the mapping says the headings"
                " are. Correct header_row."
            )
        return stated.header_row
    found = headings.find_row(top, set(spellings)) if spellings else headings.likely_row(top)
    if found is None:
        raise NoHeadingsError(
            f"{path}: none of the headings that the mapping names stands in its first"
            f" {len(top)} rows. Give another file or mapping, or state delimiter and header_row."
        )
    return [found]


def _encoding(path: Path, stated: str | None) -> tuple[str, tuple[str, int, bool]]:
    """How a text is encoded, stated or found, and what reading it through gave."""
    with path.open("rb") as file:
        start = file.read(4096)
    if stated:
        try:
            codec = _text_codec(stated)
            codec = {"utf-8": UTF_8, "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(
                codec
                if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or codec == "utf-8"
                else "",
                codec,
            )
            return codec, delimited.read_through(path, codec)
        except LookupError:
            raise InputError(
                f"{path}: the mapping says its encoding is {stated}, which there is not. Try"
                " utf-8, utf-16, windows-1252 or latin-1."
            ) from None
        except UnicodeError:
            raise InputError(
                f"{path}: is not {stated} text, which the mapping says it is. Correct encoding, or"
                " leave it out to have it found."
            ) from None
    for codec in _candidates(path, start):
        try:
            return codec, delimited.read_through(path, codec)
        except UnicodeError:
            continue
    raise InputError(
        f"{path}: its encoding cannot be found. State it in the mapping, or save the file as"
        " CSV UTF-8."
    )


def _text_codec(stated: str) -> str:
    """The name of a codec, of those that only turn bytes into text; LookupError of others.

    Python's also unpack, from a kilobyte what no machine holds, and read escapes.
    """
    found = codecs.lookup(stated)
    if not found._is_text_encoding or found.name.replace("-", "_") in NO_ENCODINGS:
        raise LookupError
    return found.name


def _candidates(path: Path, start: bytes) -> Iterator[str]:
    """Encodings to try, the likeliest first; a mark at the start of the file decides."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield "utf-16"
        return
    is_wide = start.count(0) > len(start) // 4  # UTF-16 without its mark; one zero is a fault
    if not is_wide:
        yield UTF_8
    sample = start if is_wide else _telling_lines(path)
    best = from_bytes(sample, cp_isolation=ENCODINGS).best()
    if best:
        yield best.encoding
    yield from ("cp1252", "latin_1")


def _telling_lines(path: Path) -> bytes:
    """Lines of a text that hold more than ASCII, enough to tell its encoding by."""
    kept, size = [], 0
    with path.open("rb") as file:
        for line in file:
            if not line.isascii():
                kept.append(line)
                size += len(line)
                if size > SAMPLE:
                    break
    return b"".join(kept)


def _open_sheet(path: Path, name: str, stated: Input, spellings: dict[str, str]) -> InputFile:
    state = files.state(path)
    sheet = workbook.open_sheet(path, stated.sheet, set(spellings))
    block = workbook.Block(stated.under, frozenset(map(headings.fold, stated.until)))
    top = list(islice(block.of(sheet), headings.SEARCHED_ROWS))
    if not top and stated.under:
        raise InputError(
            f"{path}, sheet {sheet.name}: has no table under the name {stated.under}, which the"
            " mapping reads. Give the whole sheet, or correct the mapping."
        )
    header_rows = _header_rows(path, [cells for _, cells in top], stated, spellings)
    header = headings.merge([top[row - 1][1] for row in header_rows])
    header_row = top[header_rows[-1] - 1][0]
    while header and not header[-1]:
        header.pop()
    names = headings.name_columns(header, spellings)
    label = f"{name} [{sheet.name}{f': {stated.under}' if stated.under else ''}]"

    def load(connection: duckdb.DuckDBPyConnection, insert: Insert) -> list[SetAside]:
        aside: list[SetAside] = []

        def rows() -> Iterator[tuple[int, list[str]]]:
            for number, cells in block.of(sheet):
                if number <= header_row or not any(cell.strip() for cell in cells):
                    continue
                if any(cell.strip() for cell in cells[len(names) :]):
                    reason = f"it has values to the right of the last heading (column {len(names)})"
                    aside.append(SetAside(label, number, "ragged", reason))
                    continue
                yield number, [*cells[: len(names)], *[""] * (len(names) - len(cells))]

        delimited.load_rows(connection, label, names, rows(), insert)
        return aside

    return InputFile(
        name=label,
        header=names,
        load=load,
        facts=f"sheet {sheet.name}, header row {header_row}",
        bytes=state.bytes,
        sha256=files.sha256(path),
        path=path,
        state=state,
    )


def _open_parquet(path: Path, name: str, spellings: dict[str, str]) -> InputFile:
    state, sha256 = files.state(path), files.sha256(path)
    with duckdb.connect() as connection:
        try:
            columns = connection.execute(
                f"select column_name, column_type from (describe from {files.read_parquet(path)})"
            ).fetchall()
        except duckdb.Error:
            raise InputError(f"{path}: is not a Parquet file. Export it again.") from None
    names = headings.name_columns([column for column, _ in columns], spellings)

    def load(connection: duckdb.DuckDBPyConnection, insert: Insert) -> list[SetAside]:
        made = [_as_text(quoted(column), kind) for column, kind in columns]
        texts = ", ".join(f"{text} as {quoted(new)}" for text, new in zip(made, names, strict=True))
        try:
            files.Room().take_table(connection, made, f"from {files.read_parquet(path)}")
            connection.execute(
                insert(
                    f"(select {texts}, file_row_number + 1 as _row"
                    f" from {files.read_parquet(path, file_row_number=True)})",
                    "_row",
                ),
                {"file": name},
            )
        except OverflowError:
            raise InputError(
                f"{path}: holds more than {files.Room.MOST}, so it is no extract. Nothing of it was"
                " landed."
            ) from None
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            raise InputError(
                f"{path}: is damaged: its rows cannot be read. Export it again."
            ) from None
        return []

    return InputFile(name, names, load, "Parquet", state.bytes, sha256, path, state)


def _as_text(column: str, kind: str) -> str:
    """A typed column as text: a day without a time, a flag as the contract writes it."""
    match kind:
        case "BOOLEAN":
            return f"case when {column} then '1' when not {column} then '0' end"
        case _ if kind.startswith("TIMESTAMP"):
            return f"regexp_replace({column}::varchar, ' 00:00:00(\\+00)?$', '')"
        case "DOUBLE" | "FLOAT":
            return f"regexp_replace({column}::varchar, '\\.0$', '')"
        case _:
            return f"{column}::varchar"


def _open_json_lines(path: Path, name: str, spellings: dict[str, str]) -> InputFile:
    """One JSON object a line; a key that a line lacks is blank there."""
    state, sha256 = files.state(path), files.sha256(path)
    keys: dict[str, None] = {}
    for _, record in _json_records(path):
        keys.update(dict.fromkeys(record))
    if not keys:
        raise InputError(f"{path}: has no records. Give one JSON object a line.")
    names = headings.name_columns(list(keys), spellings)

    def load(connection: duckdb.DuckDBPyConnection, insert: Insert) -> list[SetAside]:
        rows = (
            (number, [record.get(key) for key in keys]) for number, record in _json_records(path)
        )
        delimited.load_rows(connection, name, names, rows, insert)
        return []

    return InputFile(name, names, load, "JSON lines", state.bytes, sha256, path, state)


def _json_records(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Line number and object, as text; numbers keep the spelling they have in the file."""
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    record = parsers.read_json(line, number=str)
                    if not isinstance(record, dict):
                        raise ValueError
                    texts = {key: _json_text(value) for key, value in record.items()}
                    if "\\u" in line:
                        "".join((*texts, *(text or "" for text in texts.values()))).encode()
                    yield number, texts
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text, as JSON must be. Save it as UTF-8.") from None
    except UnicodeEncodeError:
        raise InputError(
            f"{path}, line {number}: has half of a character, a \\u escape of d800 to dfff without"
            " its other half. Export it again, or take it out."
        ) from None
    except ValueError:
        raise InputError(
            f"{path}, line {number}: is not a JSON object of plain values. Give one object a line,"
            " with no brackets or commas around it."
        ) from None


def _json_text(value: object) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "1" if value else "0"
        case _:
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
