"""A mapping is data: what stands in it is never run but as an expression of the row."""

import re

import duckdb
import pytest

from sen2 import spec
from sen2.ground.errors import DefectError, InputError
from sen2.ground.sql import execute, literal, quoted
from sen2.land.mapping import expressions
from sen2.land.mapping.model import read_mapping

from . import attacks

SEEDS = range(108)
"""Four attacks at each place; `make fuzz` goes on from there."""
REFUSED = [
    *("now()", "random()", "getenv('HOME')", "read_text('/etc/passwd')", "1; select 2", "1 from x"),
    *("(select 1)", "1 in (select 1)", "1 = any([1])", "exists(from x)", "query('select 1')"),
    *("#1", "default", "*", "x.*", "columns(*)", "?", "$1", "1 as x", "1 limit 1", "1 offset 2"),
    *("1 qualify true", "1 group by 1", "1 using sample 5", "distinct 1", "1 union select 2"),
    *("main.upper(x)", "x.upper()", "x::db.kind", "x::json", "try(x)", "lambda x: x", "{'a': 1}.a"),
    *("count(*)", "string_agg(x) over ()", "list(x) over ()", "row_number() over (order by #1)"),
    *("current_setting('home_directory')", "nextval('s')", "error(x)", "write_log(x)"),
    *("unnest([1])",),
    *("upper(x", "true /* x", "", " ", "--", "x y", "'" * 3),
]  # fmt: skip
TOO_LARGE = [
    'max("Surname", 100000) over ()',
    'arg_max("Surname", "DOB", 100000) over ()',
    "repeat('x', 1000000000)",
    "lpad(x, 1000000000)",
    "rpad(x, y::integer)",
    "replace(replace(replace(x, 'a', 'aaaaaaaaaa'), 'a', 'aaaaaaaaaa'), 'a', 'aaaaaaaaaa')",
    "replace(x, 'a', y)",
    "regexp_replace(x, '.*', '" + "\\0" * 400 + "')",
    "range(10000000000)",
    "list_sum(range(3000000000))",
    "list_value(list_value(list_value(list_value(x)::text)::text)::text)::text",
    "||".join(["x"] * 300),
    "x" * 10_001,
]
ALLOWED = {
    'coalesce("A b", other."C") || lower(d)': 'COALESCE("A b", other.C) || lower(d)',
    "true --": "true",
    "1 /* x */": "1",
    "case when a = 'x' then 1 end -- ); drop table raw.people": None,
    "regexp_replace(a, '[^0-9]', '', 'g')": None,
    "a::date + interval 3 month": None,
    "e'it''s\\n' || $$'$$": None,
    "row_number() over (partition by a order by b desc nulls last)": None,
    "sum(try_cast(a as integer)) over (order by b rows between 1 preceding and current row)": None,
    "lpad(a, 7, '0')": None,
    "a not in ('x', 'y') and b like '%x%' or c similar to 'd'": None,
    "string_split(a, ',')[1]": None,
    "strftime(try_strptime(a, '%d/%m/%y'), '%Y')": None,
    "date_diff('day', a::date, b::date) between 1 and 2": None,
    "extract(year from a::date) is distinct from 2": None,
}


@pytest.mark.parametrize("text", [*REFUSED, *TOO_LARGE], ids=lambda text: text[:40])
def test_what_is_no_expression_of_the_row_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^here: "):
        expressions.read("here", text)
    with pytest.raises(InputError, match=r"^here: "):
        expressions.read_order("here", f"a, {text} desc" if text.strip(" -") else text)


@pytest.mark.parametrize("text", ALLOWED)
def test_an_expression_is_written_again_and_says_the_same(text: str) -> None:
    read = expressions.read("here", text)
    assert read.sql.startswith("(\n")
    assert read.sql.endswith("\n)")
    assert "--" not in read.sql
    assert "/*" not in read.sql
    if ALLOWED[text]:
        assert ALLOWED[text] in read.sql
    names = sorted({name[-1] for name in read.headings})
    given = ", ".join(f"'2020-01-02' as {quoted(name)}" for name in names) or "1 as one"
    source = f"(select {given}) as other"
    with duckdb.connect() as connection:
        as_given = connection.execute(f"select {text}\nfrom {source}").fetchall()
        assert connection.execute(f"select {read.sql} from {source}").fetchall() == as_given


def test_an_order_keeps_its_directions() -> None:
    read = expressions.read_order("here", 'a desc, "B c" asc nulls last, d nulls first --')
    assert read.sql == '(\na\n) desc, (\n"B c"\n) asc nulls last, (\nd\n) nulls first'
    assert read.headings == {("a",), ("B c",), ("d",)}


def test_every_function_that_may_be_called_is_there() -> None:
    """And no more is allowed than the page says."""
    listed = duckdb.sql("select distinct lower(function_name) from duckdb_functions()").fetchall()
    parsed = {"if", "ifnull", "nullif", "!~"}  # which the parser makes something else of
    assert expressions.FUNCTIONS - expressions.MACROS - parsed <= {name for (name,) in listed}
    named = expressions.FUNCTIONS | expressions.OVER_ROWS
    page = (spec.PROJECT / "docs" / "mapping.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z][a-z0-9_]*", page))
    assert {name for name in named if name[0].isalpha() and name != "count_star"} <= words


def test_a_statement_is_one() -> None:
    with duckdb.connect() as connection:
        execute(connection, "create table t as select $a as x", {"a": 1})
        with pytest.raises(DefectError):
            execute(connection, "select 1; drop table t")
        assert execute(connection, "from t").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "text", ["'", "''", "\\'", "a'b", "\n", "--", "$$", "\u2019", '"', "{", "%"]
)
def test_a_literal_is_its_text(text: str) -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"select {literal(text)}").fetchall() == [(text,)]
        found = connection.execute(f"select {literal({text: text})}").fetchall()
    assert found == [({text: text},)]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> attacks.Range:
    return attacks.Range(tmp_path_factory.mktemp("attacks"))


def test_an_honest_mapping_lands(field: attacks.Range) -> None:
    """Else nothing that is refused shows anything."""
    assert field.land(attacks.honest(), "honest") == ""


def test_a_constant_does_not_break_out_behind_a_comment(field: attacks.Range) -> None:
    attack = attacks.honest()
    attacks.PLACES["where"](attack, "true --")
    attacks.PLACES["value"](
        attack,
        "x\n)::boolean as _is_kept, null as _place, null as _row_plans, null as _file_plans"
        " from temp.input_one_0 as children; drop table main.victims; create table raw.pwned as"
        " select 1; --",
    )
    assert field.land(attack, "breaks_out") == ""
    with duckdb.connect(str(field.folder / "breaks_out" / "w.duckdb")) as connection:
        landed = connection.execute("select distinct upn from raw.people").fetchall()
    assert landed[0][0].startswith("x\n)::boolean")


@pytest.mark.parametrize("seed", SEEDS)
def test_no_attack_changes_another_table_or_reads_a_file(field: attacks.Range, seed: int) -> None:
    field.land(attacks.make(seed, field.folder), f"seed_{seed}")


def test_shipped_mappings_run_as_they_are_written() -> None:
    for path in sorted((spec.PROJECT / "scripts" / "mappings").glob("*.yml")):
        for table, feeds in read_mapping(path).tables.items():
            for feed in feeds:
                for column in feed.columns.values():
                    if column.sql:
                        expressions.read(f"{path.name}, {table}", column.sql)
