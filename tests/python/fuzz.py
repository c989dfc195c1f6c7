"""Hostile and broken input, made by property: `make fuzz` tries 100,000, the suite a few hundred.

Whatever a file, a mapping or a setting holds, the end is a result or an input error in one
paragraph without a value: never a traceback, a hang, more memory than the limit, a file outside
the given folders, a table that nobody asked for. Inputs come in batches, each made from its seed
alone, so a batch can be repeated and a long run goes on where it stopped; batches that found
something are first tried again:

    python -m tests.python.fuzz 100000            every target, its share of so many inputs
    python -m tests.python.fuzz --only mapping --seed 17      one batch again
"""

import argparse
import contextlib
import csv
import faulthandler
import hashlib
import io
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import hypothesis
import pyarrow as pa
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from sen2 import spec
from sen2 import warehouse as warehouses
from sen2.audit import verify
from sen2.collect import headed_table
from sen2.ground import console, files, spreadsheet
from sen2.ground.errors import InputError
from sen2.imports import imports, result
from sen2.land.land import land
from sen2.land.mapping.model import read_mapping
from sen2.land.propose import propose, write_yaml
from sen2.land.read import workbook
from sen2.settings.config import Config, read_config, read_extract_note
from sen2.untrusted import workbook_cells
from sen2.warehouse import swap

from . import attacks, far_workbooks
from .other_forms import rows_of, write_blade, write_pre_submission, write_template
from .sources import write_xlsx

YEAR = 2026
BATCH = 250
SECONDS = 10.0
"""Most seconds of CPU that one input may take; most take hundredths."""
HANG = 60.0
"""So many seconds of CPU over one input, and the process is ended."""
ASLEEP = 600
"""So many looks in a row, a second apart, that find a batch asleep, and it is ended."""
IDLE = 5
"""Ticks of CPU, a hundred a second, of a process that only looks whether it may go on."""
MEMORY = 1 << 30
"""Bytes that a process may hold beyond what it begins with."""
LONGEST_MESSAGE = 2_100
MARK = "Zqxjkvalue"
"""What stands in a person's cells, and may never stand in a message."""
CANARY = "Canary7731"
"""What stands in a file beside the given folders, and may never be read."""
HERE = Path(__file__).parent
STATE = Path("out") / "fuzz.json"
CONFIG = Config(la_code="330", extracted_on="2026-01-15")  # type: ignore[arg-type]

TOKENS: list[str] = [
    *json.loads((HERE / "hostile.json").read_text(encoding="utf-8")),
    *("9" * 400, "{" * 300, "[" * 3000, "(" * 2000, "- " * 2000),
    *("a: " * 300, "%Y" * 50, "a" * 200000),
]
"""Text that has hurt other programs."""


class FoundError(Exception):
    """Something that must never happen did."""


# The box: the folders that are given, and what lies around them


class Box:
    """A folder `given` to work in, with a file beside it that nobody may touch."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.given = folder, folder / "around" / "given"
        self.canary = folder / "around" / "outside.csv"
        self.scratch = folder / "scratch"
        """The temporary folder that Python is told of: empty again after an input."""
        self.given.mkdir(parents=True)
        self.scratch.mkdir()
        self.canary.write_text(f"from,to\nperson_id,{CANARY}\n{CANARY},x\n", encoding="utf-8")
        self.warehouse = folder / "warehouse" / "fuzz.duckdb"
        self.expected = self._around()

    def clear(self) -> None:
        """An empty given folder for the next input."""
        shutil.rmtree(self.given)
        self.given.mkdir()

    def _around(self) -> dict[str, tuple[int, int] | None]:
        """Everything but the given folder and the warehouse's own, with size and time."""
        return {
            str(path): None if path.is_dir() else (path.stat().st_size, path.stat().st_mtime_ns)
            for path in self.folder.rglob("*")
            if not path.is_relative_to(self.given) and "warehouse" not in path.name
            and path.parent.name != "warehouse"
        }  # fmt: skip

    def check(self, said: str) -> None:
        """Nothing around has changed, nothing of it was read, and no table is there unasked."""
        if self._around() != self.expected:
            raise FoundError(
                f"outside the given folders: {set(self._around()) ^ set(self.expected)}"
            )
        if Path("pwned").exists() or list(self.folder.rglob("pwned")):
            raise FoundError("a file that an input named was written")
        if MARK in said or CANARY in said:
            raise FoundError(f"a value stands in a message: {said[:300]}")

    def check_warehouse(self) -> None:
        """The warehouse has the tables it should have, and holds nothing from outside."""
        if not self.warehouse.exists():
            return
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() order by all"
            ).fetchall()
            if strange := [table for table in tables if table not in _expected_tables()]:
                raise FoundError(f"tables that nobody asked for: {strange}")
            text = " union all ".join(
                f'select count(*) as found from {schema}."{table}" as t'
                f" where contains(t::varchar, '{CANARY}')"
                for schema, table in tables if schema == "raw"
            )  # fmt: skip
            if text and connection.execute(f"select sum(found) from ({text})").fetchall() != [(0,)]:
                raise FoundError("a file outside the given folder was read")


_TABLES: set[tuple[str, str]] = set()


def _expected_tables() -> set[tuple[str, str]]:
    if not _TABLES:
        with duckdb.connect() as connection:
            warehouses.prepare(connection, YEAR)
            _TABLES.update(
                connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            )
    return _TABLES


WRITES = ("w", "a", "x", "+")
MOVES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate"}
WITHIN = {"os.remove", "os.rmdir", "os.mkdir"}
"""Of these, the ones whose last argument may be an open folder that the name is in."""
FORBIDDEN = {
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.fork",
    "socket.connect",
    "os.posix_spawn",
}
_watched: list[Path] = []
_seen: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """What Python itself opens for writing, moves or starts, while an input is tried."""
    if not _watched:
        return
    if event == "subprocess.Popen" and "sen2.land.read.workbook_trial" in arguments[1]:
        return  # a workbook whose cells cannot be counted is tried in a process of its own
    if event in FORBIDDEN:
        _seen.append(event)
    elif event == "open" and isinstance(arguments[0], str | bytes):
        mode, flags = arguments[1] or "", arguments[2] or 0
        if any(each in mode for each in WRITES) or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _note(event, arguments[0])
    elif event in WITHIN and arguments[-1] >= 0:
        _note(event, Path(f"/proc/self/fd/{arguments[-1]}") / os.fsdecode(arguments[0]))
    elif event in MOVES:
        _note(event, arguments[0])


def _note(event: str, path: Any) -> None:
    full = Path(os.fsdecode(path)).resolve()
    if not any(full.is_relative_to(each) for each in _watched) and str(full) != os.devnull:
        _seen.append(f"{event} {full}")


# Inputs


@st.composite
def mutated(draw: Callable[..., Any], corpus: list[bytes], most: int = 6) -> bytes:
    """A file that is in order, with a few things done to its bytes."""
    data: bytes = draw(st.sampled_from(corpus))
    for _ in range(draw(st.integers(0, most))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(1, 40))
        match draw(
            st.sampled_from(("insert", "replace", "delete", "repeat", "cut", "flip", "line"))
        ):
            case "insert":
                data = data[:place] + draw(token()) + data[place:]
            case "replace":
                data = data[:place] + draw(token()) + data[place + length :]
            case "delete":
                data = data[:place] + data[place + length :]
            case "repeat":
                data = data[:place] + data[place : place + length] * length + data[place + length :]
            case "cut":
                data = data[:place] if draw(st.integers(0, 4)) == 0 else data
            case "flip":
                data = data[:place] + draw(st.binary(max_size=4)) + data[place + 1 :]
            case "line":
                lines = data.split(b"\n")
                number = place % len(lines)
                other = draw(st.sampled_from(lines))
                data = b"\n".join([*lines[:number], other, *lines[number + 1 :]])
    return data


def token() -> st.SearchStrategy[bytes]:
    """Something that has hurt other programs, or any text."""
    return st.one_of(
        st.sampled_from(TOKENS).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.text(max_size=6).map(lambda text: text.encode("utf-16")),
    )


def word() -> st.SearchStrategy[str]:
    """A value as it may stand in YAML, a cell or a heading."""
    return st.one_of(st.sampled_from(TOKENS), st.text(max_size=12)).filter(
        lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text)
    )


def anything() -> st.SearchStrategy[Any]:
    """Any value of YAML."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | word() | st.dates(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(word(), inner, max_size=3),
        max_leaves=5,
    )


def _text_of(content: Any) -> bytes:
    return yaml.safe_dump(content, allow_unicode=True).encode("utf-8", "surrogatepass")


@st.composite
def altered(draw: Callable[..., Any], content: Any) -> Any:
    """A structure that is in order, with one or two of its parts another value or name."""
    content = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 2))):
        part, path = content, []
        while isinstance(part, dict | list) and part and (not path or draw(st.integers(0, 3))):
            key = draw(
                st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part)))
            )
            path.append((part, key))
            part = part[key]
        if not path:
            return draw(anything())
        holder, key = path[-1]
        if isinstance(holder, dict) and draw(st.booleans()):
            holder[draw(word())] = holder.pop(key)
        else:
            holder[key] = draw(anything() | word() | word().map(lambda text: [text]))
    return content


# What is tried


Run = Callable[[Box, Any], None]


@dataclass(frozen=True)
class Target:
    """One way in: its share of the inputs, what they are made of, and what is done with them."""

    share: int
    cases: Callable[[], st.SearchStrategy[Any]]
    run: Run


SETTINGS = {
    "la_code": "330",
    "name": "A",
    "header": {"software_code": "x", "release": "1", "serial_no": 1},
    "officers": {"dmo": "Y", "dco": "Y", "dsco": "R"},
    "period_end": "survey_day",
    "extracted_on": "2026-01-15",
    "identify_people": False,
    "notes": "notes.csv",
    "overrides": "o.csv",
    "published": "p",
    "small_numbers": 5,
    "similar": ["301"],
    "nightly": {
        "extract": "e",
        "year": 2026,
        "mappings": ["contract"],
        "keep": 3,
        "warehouse": "w.duckdb",
        "notify": {"command": ["mail"], "when": "always"},
    },
}


YAML_VALUES = [
    *("2026-13-45", "2026-02-30", "2026-01-01T25:00:00", "2026-01-01T00:00:00+99:99", "1:99:99"),
    *("0x_", "0b_", "0o", "1e9999", "-.inf", ".nan", "1_000", "~", "no", "y", "!!null x"),
    *("!!bool x", "!!int x", "!!float x", "!!timestamp x", "!!binary x", "!!python/name:os.system"),
    *("&a [*a]", "&a {<<: *a}", "*a", "!!set {a, b}", "!!omap [a: 1]", "<<: {}", "? x", "|", ">+9"),
    *('"\\0"', '"\\ud800"', '"\\x1b[2J"', "'", '"', "%YAML 9.9", "--- x", "...", "\t", "\u2028"),
]
"""What YAML takes for a date, a number, a kind of its own, or cannot take for anything."""


def _config(box: Box, data: bytes) -> None:
    path = box.given / "sen2.yml"
    path.write_bytes(data)
    read_config(path)


def _note_of_extract(box: Box, data: bytes) -> None:
    (box.given / "extract.yml").write_bytes(data)
    read_extract_note(box.given)


def _yaml_cases(content: Any) -> st.SearchStrategy[bytes]:
    return mutated([_text_of(content)]) | altered(content).map(_text_of) | _plain_values(content)


@st.composite
def _plain_values(draw: Callable[..., Any], content: Any) -> bytes:
    """A file of YAML, a value of which is written without quotes or is a tag's or an escape's."""
    lines = _text_of(content).decode().splitlines()
    number = draw(st.sampled_from([n for n, line in enumerate(lines) if ": " in line]))
    plain = st.text("0123456789-:._+~ xobeTZ!&*|<>%@?[]{},#\"'\\ud", max_size=14)
    value = draw(st.sampled_from(YAML_VALUES) | plain)
    lines[number] = f"{lines[number].partition(': ')[0]}: {value}"
    return "\n".join(lines).encode()


MAPPING = {
    "source": "one",
    "inputs": {
        "children": {
            "files": ["children.*"],
            "delimiter": ",",
            "header_row": 1,
            "encoding": "utf-8",
        },
        "plans": {"files": "plans.csv", "may_be_missing": True, "short_rows": "fill"},
    },
    "dates": ["yyyy-mm-dd", "dd/mm/yyyy", "excel"],
    "blanks": ["NULL"],
    "crosswalks": {"sex": {"Male": "M"}, "other": {"file": "crosswalk.csv"}},
    "tables": {
        "people": {
            "input": "children",
            "where": "\"Gender\" <> 'x'",
            "one_row_per": ["person_id"],
            "order_by": '"DOB" desc',
            "look_up": [{"input": "plans", "on": {"Person ID": "Person ID"}}],
            "columns": {
                "person_id": "Person ID",
                "surname": "Surname",
                "birth_date": "DOB",
                "sex": {"from": "Gender", "crosswalk": "sex", "default": "F"},
                "ethnicity": {"from": "Ethnicity", "labels": True},
                "forename": {"sql": 'upper("Surname")'},
                "upn": {"value": "x"},
                "postcode": {"from": "Postcode", "of": "plans", "may_be_missing": True},
            },
            "blank": ["uln", "no_identifier_reason"],
        },
    },
    "absent": {
        name: "no" for name in spec.contract(YEAR) if name not in ("people", "establishments")
    },
}
CHILDREN = (
    "Person ID,Surname,DOB,Gender,Ethnicity\n"
    f"P1,{MARK}a,2012-05-01,Male,White British\nP2,{MARK}b,01/02/2013,F,WBRI\nP2,{MARK}c,,x,\n"
)
EXPRESSIONS = [
    'upper("Surname")',
    "case when \"Gender\" = 'x' then 'a' end",
    'sen2_date("DOB")',
    "\"Surname\" || 'x'",
    'try_cast("DOB" as date)',
    "regexp_replace(\"Surname\", '(a+)+$', '')",
    '"children"."Surname"',
    'substr("Surname", 1, 3)',
    'coalesce("Gender", "Surname")',
    'row_number() over (order by "DOB")',
]


def _mapping_file(box: Box, data: bytes) -> None:
    path = box.given / "mapping.yml"
    path.write_bytes(data)
    (box.given / "crosswalk.csv").write_text("from,to\nFemale,F\n", encoding="utf-8")
    read_mapping(path)


def _land_mapped(box: Box, case: tuple[Any, bytes]) -> None:
    content, children = case
    path = box.given / "mapping.yml"
    path.write_bytes(content if isinstance(content, bytes) else _text_of(content))
    (box.given / "crosswalk.csv").write_text("from,to\nFemale,F\n", encoding="utf-8")
    (box.given / "children.csv").write_bytes(children)
    land(box.given, YEAR, CONFIG, box.warehouse, mappings=[path])


def _mapped_cases() -> st.SearchStrategy[tuple[Any, bytes]]:
    plain = st.just(CHILDREN.encode())
    return st.one_of(
        st.tuples(altered(MAPPING), plain),
        st.tuples(st.just(MAPPING), mutated([CHILDREN.encode(), CHILDREN.encode("utf-16")])),
        st.tuples(_hostile_headings(), plain),
        st.tuples(
            st.builds(
                _with_expression, st.sampled_from(("where", "order_by", "sql")), _expressions()
            ),
            plain,
        ),
    )


@st.composite
def _hostile_headings(draw: Callable[..., Any]) -> Any:
    """A mapping that names a heading, a source or a file as nobody would."""
    content = json.loads(json.dumps(MAPPING))
    people = content["tables"]["people"]
    people["columns"]["surname"] = draw(word())
    people["columns"]["ethnicity"] = {"from": draw(word()), "may_be_missing": True}
    content["blanks"] = [draw(word())]
    content["crosswalks"]["sex"] = {draw(word()): draw(word())}
    if draw(st.booleans()):
        content["crosswalks"]["other"] = {"file": draw(st.sampled_from(TOKENS))}
    if draw(st.booleans()):
        content["inputs"]["children"]["files"] = [draw(st.sampled_from(TOKENS))]
    return content


def _land_other(box: Box, case: tuple[str, bytes]) -> None:
    kind, data = case
    path = box.given / "mapping.yml"
    content = json.loads(json.dumps(MAPPING))
    del content["inputs"]["children"]["delimiter"], content["inputs"]["children"]["encoding"]
    path.write_bytes(_text_of(content))
    (box.given / "crosswalk.csv").write_text("from,to\nFemale,F\n", encoding="utf-8")
    (box.given / f"children.{kind}").write_bytes(data)
    land(box.given, YEAR, CONFIG, box.warehouse, mappings=[path])


def _propose(box: Box, case: tuple[str, bytes]) -> None:
    kind, data = case
    (box.given / f"children.{kind}").write_bytes(data)
    found = propose.propose(box.given, YEAR)
    write_yaml.text(found, "one", YEAR)
    list(write_yaml.summary(found, YEAR))


def _other_cases() -> st.SearchStrategy[tuple[str, bytes]]:
    """The children as a workbook, whole or a part of it changed, as Parquet, as JSON lines."""
    rows = list(csv.reader(io.StringIO(CHILDREN)))
    with tempfile.TemporaryDirectory() as name:
        book, lake = Path(name) / "x.xlsx", Path(name) / "x.parquet"
        write_xlsx(book, {"Children": rows})
        columns = {head: [row[place] for row in rows[1:]] for place, head in enumerate(rows[0])}
        parquet.write_table(pa.table(columns), lake)
        whole = {"xlsx": book.read_bytes(), "parquet": lake.read_bytes()}
        with zipfile.ZipFile(book) as file:
            members = {each: file.read(each) for each in sorted(file.namelist())}
    lines = "".join(json.dumps(dict(zip(rows[0], row, strict=True))) + "\n" for row in rows[1:])
    whole["jsonl"] = lines.encode()
    whole["csv"] = CHILDREN.replace("White British", "Fran\u00e7ais").encode("cp1252")
    whole["txt"] = CHILDREN.encode("utf-16")

    def packed(member: str, data: bytes) -> tuple[str, bytes]:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as file:
            for each, content in members.items():
                file.writestr(each, data if each == member else content)
        return "xlsx", made.getvalue()

    return st.one_of(
        st.sampled_from(sorted(whole)).flatmap(
            lambda kind: st.tuples(st.just(kind), mutated([whole[kind]]))
        ),
        st.sampled_from(sorted(members)).flatmap(
            lambda member: st.builds(packed, st.just(member), mutated([members[member]]))
        ),
    )


def _propose_cases() -> st.SearchStrategy[tuple[str, bytes]]:
    texts = [CHILDREN.encode(), CHILDREN.encode("utf-16"), EXTRACT["people.csv"]]
    return st.tuples(st.just("csv"), mutated(texts)) | _other_cases()


def _expressions() -> st.SearchStrategy[str]:
    return mutated([each.encode() for each in EXPRESSIONS], 3).map(
        lambda data: data.decode("utf-8", "replace")
    )


def _with_expression(place: str, expression: str) -> Any:
    content = json.loads(json.dumps(MAPPING))
    people = content["tables"]["people"]
    if place == "sql":
        people["columns"]["forename"] = {"sql": expression}
    else:
        people[place] = expression
    return content


def _extract() -> dict[str, bytes]:
    """A small contract-shaped extract, every person's cell marked."""
    rows = {
        "people": [["P1", f"{MARK}x", f"{MARK}y", "2012-05-01", "F", "", "WBRI", f"{MARK}z"]],
        "requests": [["R1", "P1", "2025-03-01", "1", "0", "assess", "2025-04-01"]],
        "plans": [["E1", "P1", "R1", "2025-06-01", "", "", "0"]],
    }
    files = {}
    for table, columns in spec.contract(YEAR).items():
        if table != "establishments":
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow([column.name for column in columns])
            for row in rows.get(table, []):
                writer.writerow(row + [""] * (len(columns) - len(row)))
            files[f"{table}.csv"] = text.getvalue().encode()
    return files


EXTRACT = _extract()


def _land(box: Box, case: tuple[str, bytes, str]) -> None:
    table, data, name = case
    for file, content in EXTRACT.items():
        (box.given / file).write_bytes(data if file == table else content)
    if name and "/" not in name and "\0" not in name and len(name.encode()) < 200:
        with contextlib.suppress(OSError):
            (box.given / name).symlink_to(box.canary)
    land(box.given, YEAR, CONFIG, box.warehouse)


def _land_cases() -> st.SearchStrategy[tuple[str, bytes, str]]:
    names = st.sampled_from(
        ["", "", "people.csv.bak", "establishments.csv", "extract.yml", "x.yml"]
    )
    return st.sampled_from(sorted(EXTRACT)).flatmap(
        lambda table: st.tuples(st.just(table), mutated([EXTRACT[table]]), names)
    )


NOTES = b"rule_id,record_id,found,text,author,date,expiry\nP01,*,,Zqxjkvalue,A,2026-01-01,\n"
OVERRIDES = (
    b"table_name,key,column_name,from,to,reason,author,date,expiry\n"
    b"people,P1,sex,F,M,r,A,2026-01-01,2026-12-31\n"
)


def _kept_files(box: Box, case: tuple[str, bytes]) -> None:
    name, data = case
    path = box.given / f"{name}_file.csv"
    path.write_bytes(data)
    for file, content in EXTRACT.items():
        (box.given / file).write_bytes(content)
    land(box.given, YEAR, CONFIG.model_copy(update={name: path}), box.warehouse)


def _import(box: Box, case: tuple[str, bytes, str]) -> None:
    file, data, name = case
    path = box.given / file
    path.write_bytes(data)
    with contextlib.suppress(InputError):
        result.return_name(path)
    imports.import_return(path, name, box.warehouse, YEAR, "330", replace=True)


def _xml() -> list[bytes]:
    text = (HERE / "golden" / f"sen2_{YEAR}.xml").read_bytes()
    return [text, text.replace(b"\t", b""), text.decode().encode("utf-16")]


def _names() -> st.SearchStrategy[str]:
    return st.sampled_from(
        ["last_year", "a", "built", "", "../x", 'x"; drop table', "A", "é", "x" * 70]
    )


def _xml_cases() -> st.SearchStrategy[tuple[str, bytes, str]]:
    files = st.sampled_from(["a.xml", "a b'\".xml", "..xml", "$$.xml", "ä.xml"])
    return st.tuples(files, mutated(_xml()), _names())


_made: dict[str, dict[str, bytes]] = {}


def _forms() -> dict[str, dict[str, bytes]]:
    """The other forms of a return, each as its files."""
    if not _made:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with contextlib.redirect_stdout(io.StringIO()):
                imports.import_return(
                    HERE / "samples" / f"sample_{YEAR}.xml", "x", folder / "w.duckdb"
                )
            rows = rows_of(folder / "w.duckdb", "x")
            write_blade(rows, YEAR, folder / "blade")
            write_template(rows, YEAR, folder / "template.xlsx")
            write_pre_submission(rows, YEAR, folder / "pre.xlsx")
            _made["blade"] = {
                path.name: b"\n".join(path.read_bytes().split(b"\n")[:4])
                for path in sorted((folder / "blade").iterdir())
            }
            for book in ("template", "pre"):
                with zipfile.ZipFile(folder / f"{book}.xlsx") as file:
                    _made[book] = {each: file.read(each) for each in sorted(file.namelist())}
    return _made


def _import_folder(box: Box, case: tuple[str, str, bytes]) -> None:
    file, name, data = case
    folder = box.given / "blade"
    folder.mkdir()
    for each, content in _forms()["blade"].items():
        (folder / each).write_bytes(data if each == file else content)
    imports.import_return(folder, name or "x", box.warehouse, YEAR, "330", replace=True)


def _blade_cases() -> st.SearchStrategy[tuple[str, str, bytes]]:
    files = _forms()["blade"]
    return st.sampled_from(sorted(files)).flatmap(
        lambda file: st.tuples(st.just(file), st.just("x"), mutated([files[file]]))
    )


def _import_book(box: Box, case: tuple[str, str, bytes, str]) -> None:
    book, member, data, renamed = case
    path = box.given / "book.xlsx"
    with zipfile.ZipFile(path, "w") as file:
        for each, content in _forms()[book].items():
            file.writestr(renamed or each if each == member else each,
                          data if each == member else content)  # fmt: skip
    imports.import_return(path, "x", box.warehouse, YEAR, "330", replace=True)


def _book_cases() -> st.SearchStrategy[tuple[str, str, bytes, str]]:
    def of(book: str) -> st.SearchStrategy[tuple[str, str, bytes, str]]:
        files = _forms()[book]
        return st.sampled_from(sorted(files)).flatmap(
            lambda member: st.tuples(
                st.just(book), st.just(member), mutated([files[member]]),
                st.sampled_from(["", "", "", "../../x", "/etc/x", "x" * 300, "a\\b"]),
            )
        )  # fmt: skip

    return st.sampled_from(["template", "pre"]).flatmap(of)


def _read_pack(box: Box, data: bytes) -> None:
    path = box.given / "pack.zip"
    path.write_bytes(data)
    verify.verify(path, before=None, rebuild=False)


MANIFEST = {"number": 1, "previous": None, "members": {}, "purged": []}
AUDIT = {"outputs": [], "submission": None}
X = {"file": "x", "sha256": hashlib.sha256(b"x").hexdigest()}
WHOLE_AUDIT = {"outputs": [X], "submission": X | {"serial_no": 1}}


def _whole_manifest(audit: Any) -> dict[str, Any]:
    """A manifest that tells the truth of a pack with such an audit.json and one output."""
    text = json.dumps(audit, default=str).encode()
    link = {"file": "sen2_pack_1.zip", "sha256": "0"}
    return MANIFEST | {
        "packed_by": "A",
        "previous": link,
        "purged": [link],
        "members": {
            "outputs/x": {"bytes": 1, "sha256": X["sha256"]},
            "audit.json": {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()},
        },
    }


def _pack(manifest: Any, audit: Any, names: Iterable[str] = ()) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as pack:
        pack.writestr("manifest.json", json.dumps(manifest, default=str))
        pack.writestr("audit.json", json.dumps(audit, default=str))
        for name in names:
            pack.writestr(name, "x")
    return file.getvalue()


def _packs() -> list[bytes]:
    made = []
    for name in (None, "x", "../../x"):
        members = {name: {"bytes": 1, "sha256": "0"}} if name else {}
        for previous in (None, {"file": "../outside.csv", "sha256": "0"}):
            told = MANIFEST | {"members": members, "previous": previous}
            made.append(_pack(told, AUDIT, filter(None, members)))
    return made


def _pack_cases() -> st.SearchStrategy[bytes]:
    return st.one_of(
        mutated(_packs()),
        altered(_whole_manifest(WHOLE_AUDIT)).map(
            lambda manifest: _pack(manifest, WHOLE_AUDIT, ["outputs/x"])
        ),
        altered(WHOLE_AUDIT).map(lambda audit: _pack(_whole_manifest(audit), audit, ["outputs/x"])),
    )


def _load_pack(box: Box, case: tuple[str, bytes]) -> None:
    name, data = case
    path = box.given / "pack.zip"
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr(name, data)
    with zipfile.ZipFile(path) as pack, contextlib.suppress(KeyError, ValueError, OverflowError):
        verify._load(pack, box.warehouse, YEAR, 1, box.given)


def parquet_of(columns: dict[str, Any]) -> bytes:
    """A Parquet file."""
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()


def repeating(columns: Iterable[str], rows: int, length: int) -> bytes:
    """A small Parquet file that has the same text in every row."""
    places = pa.nulls(rows, pa.int32()).fill_null(0)
    column = pa.DictionaryArray.from_arrays(places, ["x" * length])
    return parquet_of(dict.fromkeys(columns, column))


def _landed_cases() -> st.SearchStrategy[tuple[str, bytes]]:
    """Landed tables of a pack: broken, of other kinds, or that repeat a value without end."""

    names = st.sampled_from(
        [*(f"landed/raw.{table}.parquet" for table in ("people", "pwned", "notes")),
         *("landed/audit.extract_settings.parquet", "landed/audit.runs.parquet"),
         *("landed/main.x.parquet", "landed/../x.parquet", "landed/raw.people.parquet/x")]
    )  # fmt: skip
    whole = parquet_of({"person_id": ["P1"], "sex": ["F"], "_file": ["x"], "_row": [1]})
    others = [{"person_id": [[[1]] * 9]}, {"_row": ["x"]}, {"pwned": [None]}, {"a": [1], "A": [2]}]
    headings = word().map(lambda heading: parquet_of({heading: ["x"]}))
    wide = st.builds(
        repeating, st.sampled_from([["person_id"], ["x"]]),
        st.sampled_from([10, 200_000, files.MOST_ROWS + 1]), st.sampled_from([1, 100_000]),
    )  # fmt: skip
    data = mutated([whole]) | st.sampled_from(others).map(parquet_of) | headings | wide
    return st.tuples(names, data)


def _swap(box: Box, data: bytes) -> None:
    """A list of steps that somebody laid beside a warehouse: it moves what is within the job."""
    journal = box.given / ".sen2" / "swap.json"
    journal.parent.mkdir(mode=0o700)
    for name in ("new.txt", "old.txt"):
        (box.given / name).write_text(name, encoding="utf-8")
    text = data.replace(b"GIVEN", os.fsencode(box.given)).replace(
        b"CANARY", os.fsencode(box.canary)
    )
    journal.write_bytes(text)
    swap.recover(journal, [box.given])


def _swap_cases() -> st.SearchStrategy[bytes]:
    places = st.sampled_from(
        ["GIVEN/new.txt", "GIVEN/old.txt", "GIVEN/made/x.txt", "GIVEN", "GIVEN/.", "GIVEN/..",
         "CANARY", "GIVEN/../outside.csv", "GIVEN/../../x", "outside.csv", "../x", "/", "/pwned"]
    ) | word()  # fmt: skip
    kinds = st.sampled_from(["keep", "remove", "replace", "copy"])
    steps = st.lists(st.tuples(kinds, places, places) | anything(), max_size=3)
    whole = steps.map(lambda found: json.dumps({"steps": found}, default=str).encode())
    return whole | whole.flatmap(lambda data: mutated([data], 2))


def _write_cells(box: Box, rows: list[list[str]]) -> None:
    """A CSV file for people: no value is a formula in it, and each can be had back."""
    path = box.given / "made.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        spreadsheet.Writer(file).rows(rows)
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    if any(cell.lstrip().startswith(spreadsheet.FORMULA_STARTS) for row in found for cell in row):
        raise FoundError("a cell would be computed")
    told = [[spreadsheet.unguarded(cell) for cell in row] for row in found]
    if told != [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in rows]:
        raise FoundError("a cell cannot be had back")


def _cell_cases() -> st.SearchStrategy[list[list[str]]]:
    starts = st.sampled_from([*spreadsheet.FORMULA_STARTS, "'", " ", "\u00a0", '"'])
    cell = st.builds("".join, st.lists(starts | word(), min_size=1, max_size=3))
    return st.lists(st.lists(cell, min_size=1, max_size=3), max_size=3)


def _print_words(box: Box, case: tuple[str, bool]) -> None:
    """A line for the terminal, whatever a name in it is: it steers nothing and stays one line."""
    text, is_terminal = case
    file = io.StringIO()
    to = console.Console(
        file=file, highlight=False, force_terminal=is_terminal, width=4_000, soft_wrap=True,
        no_color=True, legacy_windows=False,
    )  # fmt: skip
    console.say(f"{text}: read", to=to)
    if not file.getvalue().removesuffix("\n").isprintable():
        raise FoundError("what was printed can steer a terminal")


def _print_cases() -> st.SearchStrategy[tuple[str, bool]]:
    escapes = st.sampled_from(
        ["\x1b[2J", "\x1b]0;x\x07", "\x1b[8m", "\x9b31m", "\r", "\n", "\b", "\x7f", "\u202e",
         "[red]", "[/]", "[link=http://x]a", "[bold", "\\["]
    )  # fmt: skip
    return st.tuples(
        st.builds("".join, st.lists(escapes | word(), max_size=4)).map(lambda text: text[:3_000]),
        st.booleans(),
    )


def _collect(box: Box, data: bytes) -> None:
    path = box.given / "errors.csv"
    path.write_bytes(data)
    headed_table.read(path, {"rule": ("rule", "error"), "count": ("count", "number")}, "rule")


def _attack(box: Box, seed: int) -> None:
    """A mapping of the grammar of attacks, made from its number: it changes and reads nothing."""
    said = attacks.Range(box.given).land(attacks.make(seed, box.given))
    if said:
        raise InputError(said)


def _far(box: Box, parts: dict[str, str]) -> None:
    """A workbook with cells anywhere, which is read only where that takes little memory."""
    path = box.given / ("far.ods" if "content.xml" in parts else "far.xlsx")
    far_workbooks.write(path, parts)
    for name in workbook.sheet_names(path):
        for row in workbook.open_sheet(path, name, set()).rows():
            assert len(row) <= workbook_cells.MOST_COLUMNS
    workbook.forget()


def _far_cases() -> st.SearchStrategy[dict[str, str]]:
    number = st.sampled_from(("1", "2", "9", "99", "70000", "1048576", "99999999", "-1", ""))
    place = st.builds(
        "".join, st.tuples(st.sampled_from(("A", "B", "ZZ", "XFD", "xfd", "AAAA", "")), number)
    )
    held = st.sampled_from(("<v>1</v>", "<is><t>x</t></is>", "<f>1</f>", "<x:v>1</x:v>", ""))
    cell = st.builds('<c r="{}">{}</c>'.format, place, held) | st.builds("<c>{}</c>".format, held)
    row = st.builds('<row r="{}">{}</row>'.format, number, st.lists(cell).map("".join))
    ods = st.builds(
        '<table:table-cell table:number-columns-repeated="{}"{}/>'.format,
        number,
        st.sampled_from((' office:value-type="float" office:value="1"', "")),
    )
    ods_row = st.builds(
        '<table:table-row table:number-rows-repeated="{}">{}</table:table-row>'.format,
        number,
        st.lists(ods).map("".join),
    )
    return st.one_of(
        st.lists(row).map("".join).map(far_workbooks.xlsx),
        st.lists(ods_row).map("".join).map(far_workbooks.ods),
    )


TARGETS = {
    "attack": Target(1, lambda: st.integers(0, 10**9), _attack),
    "far": Target(1, _far_cases, _far),
    "config": Target(19, lambda: _yaml_cases(SETTINGS), _config),
    "extract_yml": Target(
        10, lambda: _yaml_cases({"la_code": "330", "extracted_on": "2026-01-15"}), _note_of_extract
    ),
    "mapping": Target(21, lambda: _yaml_cases(MAPPING), _mapping_file),
    "mapped": Target(5, _mapped_cases, _land_mapped),
    "other": Target(3, _other_cases, _land_other),
    "propose": Target(2, _propose_cases, _propose),
    "land": Target(5, _land_cases, _land),
    "notes": Target(
        3,
        lambda: (
            st.tuples(st.just("notes"), mutated([NOTES]))
            | st.tuples(st.just("overrides"), mutated([OVERRIDES]))
        ),
        _kept_files,
    ),
    "xml": Target(4, _xml_cases, _import),
    "blade": Target(1, _blade_cases, _import_folder),
    "workbook": Target(1, _book_cases, _import_book),
    "pack": Target(8, _pack_cases, _read_pack),
    "landed": Target(1, _landed_cases, _load_pack),
    "swap": Target(3, _swap_cases, _swap),
    "cells": Target(2, _cell_cases, _write_cells),
    "printed": Target(2, _print_cases, _print_words),
    "collect": Target(8, lambda: mutated([b"Rule,Count,Text\nP01,3,x\n"]), _collect),
}
"""Shares of a hundred: what is quick to try is tried more often."""


# Trying


def attempt(box: Box, target: Target, case: Any) -> None:
    """Try one input; FoundError, or whatever else escapes, is a finding."""
    box.clear()
    said = io.StringIO()
    _seen.clear()
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, HANG)
    _watched[:] = [box.folder.resolve(), Path(tempfile.gettempdir()).resolve() / "duckdb"]
    before, tempfile.tempdir = tempfile.tempdir, str(box.scratch)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                target.run(box, case)
            except InputError as error:
                said.write(str(error))
                if "\n" in str(error).strip() or len(str(error)) > LONGEST_MESSAGE:
                    raise FoundError(f"not one paragraph: {str(error)[:300]!r}") from None
    finally:
        tempfile.tempdir = before
        _watched.clear()
        signal.setitimer(signal.ITIMER_PROF, 0)
    if (seconds := time.process_time() - start) > SECONDS:
        raise FoundError(f"it took {seconds:.0f} seconds of CPU")
    if _seen:
        raise FoundError(f"outside the given folders: {_seen[:3]}")
    box.check(said.getvalue())


def batch(name: str, seed: int, count: int = BATCH) -> int:
    """Try a batch of inputs, all of them made from the seed; gives how many were tried."""
    target, tried = TARGETS[name], 0
    with tempfile.TemporaryDirectory() as folder:
        box = Box(Path(folder))

        @hypothesis.seed(seed)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        @given(target.cases())
        def each(case: Any) -> None:
            nonlocal tried
            tried += 1
            attempt(box, target, case)

        each()
        box.check_warehouse()
    return tried


def _limited(name: str, seed: int, count: int, answer: Any) -> None:
    """A batch in a process of its own, with a limit on what it may hold; its end says where."""
    for number in (signal.SIGPROF, signal.SIGALRM):
        faulthandler.register(number, file=2, chain=True)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + 4 * MEMORY, held + 4 * MEMORY))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.addaudithook(_watch)
    try:
        tried = batch(name, seed, count)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
        fault = f"it held {grown / 1e6:.0f} MB more" if grown > MEMORY else ""
        answer.send((tried, grown, fault))
    except BaseException:
        lines = traceback.format_exc(limit=-14).splitlines()
        answer.send((0, 0, "\n".join(line[:500] for line in lines)[-20_000:]))


def tried_alone(name: str, seed: int, count: int = BATCH) -> tuple[int, int, str]:
    """A batch in its own process: how many were tried, bytes it grew by, and what was found.

    Time is the process's own, so that it may be stopped, or have to wait for others: a hang has
    used too much CPU, or sleeps. Whether it sleeps is looked up, never told by a clock.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_limited, args=(name, seed, count, theirs))
    process.start()
    theirs.close()
    looks, before = 0, 0
    while not ours.poll(1):
        state, used = _state(process.pid)
        looks = looks + 1 if state in "SD" and used - before <= IDLE else 0
        before = used
        if looks >= ASLEEP:
            os.kill(process.pid or 0, signal.SIGALRM)
            break
    try:
        answer: tuple[int, int, str] = ours.recv()
    except EOFError:
        process.join()
        words = {-signal.SIGPROF: "a hang that works", -signal.SIGALRM: "a hang that sleeps"}
        why = words.get(process.exitcode or 0, "too much memory, or a crash")
        answer = (0, 0, f"the process died ({process.exitcode}): {why}")
    process.join()
    return answer


def _state(pid: int | None) -> tuple[str, int]:
    """What a process does now, as a letter (T is stopped), and the ticks of CPU it has used."""
    facts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return facts[0], int(facts[11]) + int(facts[12])


def _plan(total: int, done: dict[str, int]) -> Iterator[tuple[str, int]]:
    """The batches still to try, each target's in turn, so that a stop has tried some of all."""
    wanted = {name: -(-total * target.share // (100 * BATCH)) for name, target in TARGETS.items()}
    for number in range(max(wanted.values())):
        for name in TARGETS:
            if done.get(name, 0) <= number < wanted[name]:
                yield name, number


def main() -> int:
    """Try so many inputs, and go on where an earlier run stopped; 1 when something was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("inputs", type=int, nargs="?", default=100_000)
    parser.add_argument("--only", choices=sorted(TARGETS))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--state", type=Path, default=STATE)
    options = parser.parse_args()
    _forms()
    if options.seed is not None:
        print(*tried_alone(options.only or "config", options.seed), sep="\n")
        return 0
    state = json.loads(options.state.read_text()) if options.state.exists() else {}
    done, counts = state.get("batches", {}), state.get("inputs", {})
    found = [tuple(each) for each in state.get("found", [])]
    for name, seed in [*found, *_plan(options.inputs, done)]:
        if options.only in (None, name):
            start = time.monotonic()
            tried, grown, fault = tried_alone(name, seed)
            found = [each for each in found if each != (name, seed)] + [(name, seed)] * bool(fault)
            done[name] = max(done.get(name, 0), seed + 1)
            counts[name] = counts.get(name, 0) + tried
            options.state.parent.mkdir(parents=True, exist_ok=True)
            options.state.write_text(
                json.dumps({"batches": done, "inputs": counts, "found": found})
            )
            print(f"{name} seed {seed}: {tried} inputs, {time.monotonic() - start:.1f} s,"
                  f" {grown / 1e6:.0f} MB", flush=True)  # fmt: skip
            if fault:
                print(f"FOUND by --only {name} --seed {seed}:\n{fault}", flush=True)
    print(f"{sum(counts.values()):,} inputs in all, {len(found)} batches with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
