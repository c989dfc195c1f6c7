"""Mappings that attack: a grammar of them, each made from a number, so that it can be made again.

Every part of a mapping, and of the file it reads, that a stranger may write is a place. What is
put there begins like something right, breaks out of what it might be pasted into, does a deed, and
hides what follows. `check` says whether any of it was done.
"""

import copy
import csv
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from sen2 import spec, warehouse
from sen2.ground.errors import InputError
from sen2.land.land import land
from sen2.settings.config import Config

YEAR = 2026
CONFIG = Config(la_code="330", extracted_on="2026-01-15")
CANARY = "canary-of-a-file-that-nobody-asked-for"
VICTIM = "the row of a table that is not the mapping's"

RIGHT = ("true", "1", "''", '"Person ID"', 'upper("Surname")', "x", "%d/%m/%Y", "")
"""How a text begins."""
BREAKS = (
    *("", ")", "))", "')", "'", "''", '"', '")', "'::varchar)", ")::boolean as p"),
    *("$$", "\\'", "*/", "\n)", ", 'x'), '')", "] }", "\u2019", "\u0085", "\x1b"),
)  # fmt: skip
"""How it leaves what it might be pasted into."""
DEEDS = (
    "; drop table main.victims",
    "; delete from main.victims",
    "; insert into main.victims values ('more')",
    "; update main.victims set row = 'changed'",
    "; create table raw.pwned as select 1",
    "; create table main.pwned as select 1",
    "; create view raw.needs2 as select 1",
    "; create or replace view raw.people as select * from query('select 1')",
    "; create macro lower(x) as 'pwned'",
    "; attach '{folder}/pwned.duckdb' as p; create table p.t as select 1",
    "; copy (select 1) to '{folder}/pwned.csv'",
    "; load httpfs",
    "; set enable_external_access = true",
    "; pragma profiling_output = '{folder}/pwned'",
    "; call write_log('pwned')",
    " || (select content from read_text('{canary}'))",
    " || (select string_agg(x, '') from read_csv('{canary}') as t(x))",
    " || (from '{canary}')",
    ", (select row from main.victims limit 1)",
    " union select row from main.victims",
    " from main.victims",
    " || query_table('main.victims')",
    " || getenv('HOME')",
    " || current_setting('home_directory')",
    " || repeat('x', 1000000000)",
    " || lpad('x', 1000000000)",
    " || list_sum(range(3000000000))::varchar",
    ", #1",
    " limit 1",
    " offset 1",
    " group by all",
    " qualify true",
    " using sample 1",
    ", columns(*)",
    " as _is_kept",
    ", default",
    " || $file",
    " || ?",
    "",
)
"""What it would have done."""
STATEMENTS = sum(deed.startswith(";") for deed in DEEDS)
WHOLE = """x
)::boolean as _is_kept, children._row as _place, null::bigint as _row_plans, null::varchar as
_file_plans, children._row::varchar as person_id, null::varchar as surname, null::varchar as
birth_date, chr(77) as sex, null::varchar as forename, null::varchar as upn,
null::varchar as postcode from temp.input_one_0 as children """
"""How it goes on behind a comment, so that the statement it leaves is whole."""
HIDES = ("", " --", "\n--", " /*", " /* */", ";", "; select 1 --", "\n", " #", "'", '"', "(", "\\")
"""How it hides what stands behind it."""


def text_of(chance: random.Random, folder: Path) -> str:
    """One attack."""
    parts = (chance.choice(each) for each in (RIGHT, BREAKS, DEEDS, HIDES))
    text = "".join(parts).replace("{folder}", str(folder))
    return text.replace("{canary}", str(folder / "canary.csv"))


def size() -> int:
    """How many different attacks the grammar has, at one place."""
    return len(RIGHT) * len(BREAKS) * len(DEEDS) * len(HIDES)


@dataclass
class Attack:
    """A mapping and the cells of the file it reads."""

    mapping: dict[str, Any]
    cells: list[list[str]]


def honest() -> Attack:
    mapping: dict[str, Any] = {
        "source": "one",
        "inputs": {
            "children": {"files": ["children.csv"], "delimiter": ",", "encoding": "utf-8"},
            "plans": {"files": ["plans.csv"], "may_be_missing": True},
        },
        "dates": ["yyyy-mm-dd", "dd/mm/yyyy"],
        "blanks": ["NULL"],
        "crosswalks": {"sex": {"Male": "M"}},
        "tables": {
            "people": {
                "input": "children",
                "label": "first",
                "where": '"Gender" is not null',
                "one_row_per": ["person_id"],
                "order_by": '"DOB" desc',
                "look_up": [{"input": "plans", "on": {"Person ID": "Person ID"}}],
                "columns": {
                    "person_id": "Person ID",
                    "surname": "Surname",
                    "birth_date": {"from": "DOB", "dates": ["dd/mm/yyyy"]},
                    "sex": {"from": "Gender", "crosswalk": "sex", "default": "F"},
                    "forename": {"sql": 'upper("Surname")'},
                    "upn": {"value": "x"},
                    "postcode": {"from": "Postcode", "of": "plans", "may_be_missing": True},
                },
                "blank": ["uln", "no_identifier_reason", "ethnicity"],
            }
        },
        "absent": {
            name: "no" for name in spec.contract(YEAR) if name not in ("people", "establishments")
        },
    }
    cells = [
        ["Person ID", "Surname", "DOB", "Gender"],
        ["P1", "Lovelace", "2012-05-01", "Male"],
        ["P2", "Hopper", "01/02/2013", "F"],
        ["P2", "Hopper", "", "x"],
    ]
    return Attack(mapping, cells)


def _in(attack: Attack) -> dict[str, Any]:
    feed: dict[str, Any] = attack.mapping["tables"]["people"]
    return feed


def _heading(attack: Attack, text: str) -> None:
    attack.cells[0][1] = text
    _in(attack)["columns"]["surname"] = {"from": text, "may_be_missing": True}
    _in(attack)["columns"]["forename"] = {"value": "x"}


def _other_heading(attack: Attack, text: str) -> None:
    attack.cells[0].append(text)
    for row in attack.cells[1:]:
        row.append(text)


def _cell(attack: Attack, text: str) -> None:
    attack.cells[1][1] = attack.cells[2][3] = attack.cells[2][0] = attack.cells[3][2] = text


def _joined(attack: Attack, text: str) -> None:
    _in(attack)["look_up"][0]["on"] = {"Person ID": text}


def _new_input(attack: Attack, text: str) -> None:
    attack.mapping["inputs"][text] = attack.mapping["inputs"].pop("children")
    _in(attack)["input"] = text


PLACES: dict[str, Callable[[Attack, str], None]] = {
    "where": lambda each, text: _in(each).update(where=text),
    "order_by": lambda each, text: _in(each).update(order_by=text),
    "sql": lambda each, text: _in(each)["columns"].update(forename={"sql": text}),
    "value": lambda each, text: _in(each)["columns"].update(upn={"value": text}),
    "default": lambda each, text: _in(each)["columns"]["sex"].update(default=text),
    "label": lambda each, text: _in(each).update(label=text),
    "blanks": lambda each, text: each.mapping.update(blanks=["NULL", text]),
    "dates": lambda each, text: each.mapping.update(dates=["dd/mm/yyyy", text + "%d"]),
    "column dates": lambda each, text: _in(each)["columns"]["birth_date"].update(
        dates=[text + "%Y"]
    ),
    "crosswalk": lambda each, text: each.mapping["crosswalks"]["sex"].update({text: text}),
    "crosswalk's name": lambda each, text: each.mapping["crosswalks"].update({text: {"a": "b"}}),
    "source": lambda each, text: each.mapping.update(source=text),
    "input": _new_input,
    "look_up": _joined,
    "heading": _heading,
    "another heading": _other_heading,
    "cells": _cell,
    "column": lambda each, text: _in(each)["columns"].update({text: "Surname"}),
    "one_row_per": lambda each, text: _in(each).update(one_row_per=[text]),
    "under": lambda each, text: each.mapping["inputs"]["children"].update(under=text),
    "having": lambda each, text: each.mapping["inputs"]["children"].update(having=[text]),
    "delimiter": lambda each, text: each.mapping["inputs"]["children"].update(delimiter=text[:1]),
    "quote": lambda each, text: each.mapping["inputs"]["children"].update(quote=text[-1:]),
    "encoding": lambda each, text: each.mapping["inputs"]["children"].update(encoding=text),
    "files": lambda each, text: each.mapping["inputs"]["plans"].update(files=[text]),
    "absent": lambda each, text: each.mapping["absent"].update(needs=text),
    "description": lambda each, text: each.mapping.update(description=text),
}
"""Where an attack may stand."""
CLOSERS = ("value", "blanks")
"""Where what a comment has hidden may go on."""


def make(seed: int, folder: Path) -> Attack:
    """The attack of a number: at one place, at two that may help each other, or at several."""
    chance = random.Random(seed)  # to be made again, not to be secret
    attack = copy.deepcopy(honest())
    names = list(PLACES)
    first = names[seed % len(names)]
    chosen = {first, *chance.sample(names, chance.choice((0, 0, 1, 3)))}
    if seed % 3 == 0:
        chosen = set()
        deed = chance.choice(DEEDS[:STATEMENTS]).replace("{folder}", str(folder))
        PLACES["where"](attack, chance.choice(("true --", '"Gender" is null --', "1 = 1\n --")))
        deed = deed.replace("'", "$$")  # a quote would be doubled there
        PLACES[chance.choice(CLOSERS)](attack, WHOLE + deed + "; --")
    for place in sorted(chosen, key=lambda each: (each == "input", each)):  # others name it
        PLACES[place](attack, text_of(chance, folder))
    return attack


class Range:
    """A folder with a warehouse that has something to lose, and a file that nobody may read."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.prepared = folder, folder / "prepared.duckdb"
        (folder / "canary.csv").write_text(f"{CANARY}\n{CANARY}\n", encoding="utf-8")
        with warehouse.connect(self.prepared) as connection:
            warehouse.prepare(connection, YEAR)
            connection.execute("create table main.victims as select ? as row", [VICTIM])
            self.before = self._state(connection)

    def _state(self, connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
        """Everything in a warehouse but the rows that a landing writes."""
        things = connection.execute(
            "select 'table', schema_name, table_name, null from duckdb_tables() where not internal"
            " union all select 'view', schema_name, view_name, sql from duckdb_views()"
            " where not internal"
            " union all select 'function', schema_name, function_name, macro_definition"
            " from duckdb_functions() where not internal and schema_name <> 'temp'"
            " and database_name <> 'temp' order by all"
        ).fetchall()
        rows = connection.execute(
            "select row from main.victims"
            " union all select * from (select text from raw.notes)"
            " union all select file from audit.outputs order by all"
        ).fetchall()
        return [*things, *rows]

    def land(self, attack: Attack, name: str = "attack") -> str:
        """Land an attack in a new warehouse; gives what was said when it was refused.

        Raises AssertionError when it has done anything but land its own rows.
        """
        folder = self.folder / name
        folder.mkdir()
        with (folder / "children.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(attack.cells)
        mapping = folder / "mapping.yml"
        mapping.write_text(yaml.safe_dump(attack.mapping, allow_unicode=True), encoding="utf-8")
        path = folder / "w.duckdb"
        path.write_bytes(self.prepared.read_bytes())
        there = self._around()
        said = ""
        try:
            land(folder, YEAR, CONFIG, path, mappings=[mapping])
        except InputError as error:
            said = str(error)
        assert self._around() == there, "a file was made, changed or removed"
        self._check(path)
        assert CANARY not in said, "a file stands in the message"
        return said

    def _around(self) -> dict[Path, str]:
        """Every file but the warehouse that is written."""
        return {
            path: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.startswith("w.duckdb")
        }

    def _check(self, path: Path) -> None:
        with duckdb.connect(str(path), read_only=True) as connection:
            assert self._state(connection) == self.before, "another table was changed"
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables()"
                " where schema_name in ('raw', 'audit')"
            ).fetchall()
            for schema, table in tables:
                found = connection.execute(
                    f"select count(*) from {schema}.{table} as t where contains(t::varchar, ?)"
                    " or contains(t::varchar, ?)",
                    [CANARY, VICTIM],
                ).fetchall()
                assert found == [(0,)], f"{schema}.{table} holds what it may not"
