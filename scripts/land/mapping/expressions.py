"""The SQL expressions of a mapping: data that says how a value comes from its row, never code.

A mapping may come from a stranger. So what stands in it is never pasted into a query: DuckDB's own
parser reads it, every part of the tree must be of a kind and a function that is listed here, and
the text that runs is written again from that tree, without comments or anything behind it. The
connection that runs it is closed to files and network besides.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

import duckdb

from ...ground.errors import InputError
from ...untrusted.parsers import read_json

Tree = dict[str, Any]

KINDS = {
    *("BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT"),
    *("FUNCTION", "OPERATOR", "TYPE", "WINDOW"),
}
"""The kinds of parts that an expression may have; no query, no `*`, no parameter, no `#1`."""
OPERATORS = {
    *("ARRAY_EXTRACT", "ARRAY_SLICE", "COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_COALESCE"),
    *("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT", "OPERATOR_NULLIF"),
}
TYPES = {
    *("varchar", "text", "string", "char", "date", "timestamp", "time", "interval", "boolean"),
    *("tinyint", "smallint", "integer", "int", "bigint", "hugeint", "double", "float", "real"),
    *("decimal", "numeric", "bool"),
}
MACROS = {"sen2_clean", "sen2_date"}
FUNCTIONS = MACROS | {
    # text
    *("||", "~~", "!~~", "~~*", "!~~*", "~~~", "~", "!~", "^@", "ascii", "chr", "concat"),
    *("concat_ws", "contains", "ends_with", "ilike_escape", "instr", "lcase", "left", "len"),
    *("length", "like_escape", "lower", "lpad", "ltrim", "md5", "nfc_normalize"),
    *("not_ilike_escape", "not_like_escape", "ord", "position", "prefix", "regexp_extract"),
    *("regexp_full_match", "regexp_matches", "regexp_replace", "replace", "reverse", "right"),
    *("rpad", "rtrim", "split_part", "starts_with", "strip_accents", "strlen", "strpos", "substr"),
    *("substring", "suffix", "translate", "trim", "ucase", "unicode", "upper"),
    # lists that a text is split into
    *("element_at", "list_contains", "list_element", "list_extract", "list_value"),
    *("regexp_split_to_array", "str_split", "string_split", "string_to_array"),
    # numbers
    *("+", "-", "*", "/", "//", "%", "abs", "ceil", "ceiling", "floor", "mod", "round", "sign"),
    *("trunc",),
    # days
    *("date_add", "date_diff", "date_part", "date_sub", "date_trunc", "datediff", "datepart"),
    *("datesub", "datetrunc", "day", "dayname", "dayofweek", "dayofyear", "hour", "isodow"),
    *("isoyear", "last_day", "make_date", "minute", "month", "monthname", "quarter", "second"),
    *("strftime", "strptime", "to_days", "to_hours", "to_minutes", "to_months", "to_seconds"),
    *("to_weeks", "to_years", "try_strptime", "week", "weekofyear", "year"),
    # any value
    *("greatest", "if", "ifnull", "least", "nullif"),
}  # fmt: skip
"""What an expression may call: each result comes from the arguments alone, and is of their size."""
OVER_ROWS = {
    *("any_value", "arg_max", "arg_min", "avg", "bool_and", "bool_or", "count", "count_star"),
    *("first", "last", "max", "min", "sum", "cume_dist", "dense_rank", "first_value", "lag"),
    *("last_value", "lead", "nth_value", "ntile", "percent_rank", "rank", "row_number"),
}
"""What may look at other rows of the input, with `over`."""
MOST_GIVEN = {"arg_max": 2, "arg_min": 2, "max": 1, "min": 1}
"""With more they give a list of many rows' values."""

LONGEST = 10_000
"""Most characters of an expression."""
CELL = 1_000
"""Characters of a long value, by which it is judged how long a result may become."""
LARGEST = 200_000
"""Most characters of one result, of values that are long."""
DIRECTIONS = {"ORDER_DEFAULT": "", "ASCENDING": " asc", "DESCENDING": " desc"}
NULLS = {"ORDER_DEFAULT": "", "NULLS FIRST": " nulls first", "NULLS LAST": " nulls last"}


@dataclass(frozen=True)
class Expression:
    """An expression as it runs, and the headings it uses.

    A heading of a looked-up input has that input's name before it. `sql` stands in parentheses on
    lines of its own.
    """

    sql: str
    headings: frozenset[tuple[str, ...]]


@cache
def read(place: str, text: str) -> Expression:
    """An expression of one value; InputError names `place` when it may not be run."""
    (part,) = _parse(place, text)["select_list"]
    _check(place, part)
    return Expression(f"(\n{_write(place, part)}\n)", _headings(part))


@cache
def read_order(place: str, text: str) -> Expression:
    """An order, of one expression or more; InputError names `place` when it may not be run."""
    orders = _parse(place, text, is_order=True)["modifiers"][0]["orders"]
    written = []
    for each in orders:
        _check(place, each["expression"])
        words = DIRECTIONS[each["type"]] + NULLS[each["null_order"]]
        written.append(f"(\n{_write(place, each['expression'])}\n){words}")
    return Expression(", ".join(written), _headings(orders))


def _parse(place: str, text: str, *, is_order: bool = False) -> Tree:
    """The one statement that an expression is part of, which has nothing but that part."""
    if len(text) > LONGEST:
        raise InputError(f"{place}: has more than {LONGEST:,} characters. Make it shorter.")
    opening = "select 1 order by " if is_order else "select "
    parsed = _serialise(place, opening + text)
    statements = parsed.get("statements", [])
    if parsed["error"] or len(statements) != 1:
        words = str(parsed.get("error_message", "it is more than one statement"))
        raise InputError(f"{place}: is not an expression that DuckDB understands ({words}).")
    node: Tree = statements[0]["node"]
    usual = _serialise(place, f"{opening}1")["statements"][0]
    changed = "modifiers" if is_order else "select_list"
    if _frame(statements[0], changed) != _frame(usual, changed) or not _is_one(node, is_order):
        raise InputError(f"{place}: is more than an expression. Give what it comes to, alone.")
    return node


def _is_one(node: Tree, is_order: bool) -> bool:
    if is_order:
        return [each["type"] for each in node["modifiers"]] == ["ORDER_MODIFIER"]
    return len(node["select_list"]) == 1


def _frame(statement: Tree, changed: str) -> object:
    """A statement without the part that is the expression's, and without places in the text."""
    node = {**statement["node"], changed: []} if isinstance(statement["node"], dict) else None
    return _without_places({**statement, "node": node})


def _without_places(part: object) -> object:
    if isinstance(part, dict):
        return {
            key: _without_places(each)
            for key, each in part.items()
            if not key.startswith("query_location")
        }
    return [_without_places(each) for each in part] if isinstance(part, list) else part


def _serialise(place: str, query: str) -> Tree:
    row = _parser().execute("select json_serialize_sql(?::varchar)", [query]).fetchone()
    try:
        parsed: Tree = read_json(row[0]) if row else {"error": True}
    except ValueError:
        _refuse_depth(place)
    return parsed


def _refuse_depth(place: str) -> NoReturn:
    raise InputError(
        f"{place}: has too much within brackets or chained. Make a shorter expression of it."
    )


def _write(place: str, part: Tree) -> str:
    """An expression as DuckDB writes it, which is read again to see that it says the same."""
    statement = _serialise(place, "select 1")
    statement["statements"][0]["node"]["select_list"] = [part]
    try:
        written = _deserialise(statement)
        again = _parse(place, written)["select_list"]
        _check(place, again[0])
        statement["statements"][0]["node"]["select_list"] = again
        is_same = _deserialise(statement) == written
    except duckdb.Error:
        is_same = False
    if not is_same:
        raise InputError(f"{place}: cannot be written again as DuckDB reads it. Say it otherwise.")
    return written


def _deserialise(statement: Tree) -> str:
    row = _parser().execute("select json_deserialize_sql(?::json)", [json.dumps(statement)])
    return str(row.fetchall()[0][0]).removeprefix("SELECT ")


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A database of nothing, which only reads what an expression says; opening one takes time."""
    return duckdb.connect(config={"enable_external_access": False, "threads": 1})


def _headings(part: object) -> frozenset[tuple[str, ...]]:
    return frozenset(
        tuple(each["column_names"]) for each in _walk(part) if each["class"] == "COLUMN_REF"
    )


def _walk(part: object) -> Iterator[Tree]:
    """Every expression within what was parsed, however deep."""
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class" in part:
                yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _check(place: str, whole: Tree) -> None:
    """Refuse an expression that has a part which is not listed, or a result out of all size."""
    for part in _walk(whole):
        match part["class"]:
            case "SUBQUERY":
                raise InputError(f"{place}: holds a query. Use look_up to reach another input.")
            case kind if kind not in KINDS:
                raise InputError(f"{place}: is not an expression of one value.")
            case "FUNCTION":
                _check_name(place, part, FUNCTIONS)
            case "WINDOW":
                _check_name(place, part, OVER_ROWS)
                _refuse_list_of_rows(place, part)
            case "OPERATOR" if part["type"] not in OPERATORS:
                raise InputError(f"{place}: is not an expression of one value.")
            case "TYPE" if not _is_plain(part, "type_name", TYPES):
                raise InputError(f"{place}: names the type {part['type_name']}, which is not one"
                                 " that a value of an extract has.")  # fmt: skip
        if part["alias"]:
            raise InputError(f"{place}: gives a name to a value. Leave out as.")
    if _size(place, whole) > LARGEST:
        raise InputError(
            f"{place}: could make a text of more than {LARGEST:,} characters of a row. Make it"
            " shorter."
        )


def _check_name(place: str, part: Tree, names: set[str]) -> None:
    if _is_plain(part, "function_name", names):
        return
    name = str(part["function_name"]).lower()
    words = "may not be used; docs/mapping.md lists what may"
    if _is_plain(part, "function_name", OVER_ROWS):
        words = "looks at several rows, so say over which, as in count(*) over (partition by x)"
    raise InputError(f"{place}: {name} {words}.")


def _refuse_list_of_rows(place: str, part: Tree) -> None:
    """With a number behind them these give each row a list, of as many values as there are rows."""
    name = str(part["function_name"]).lower()
    if len(part["arguments"]) > MOST_GIVEN.get(name, 3):
        raise InputError(f"{place}: {name} takes no number of values here. Leave it out.")


def _is_plain(part: Tree, key: str, names: set[str]) -> bool:
    """Whether a name is one of those, and no schema says whose it is."""
    is_bare = not part["schema"] and not part["catalog"] and len(part["qualified_name"]["path"]) < 2
    return is_bare and str(part[key]).lower() in names


def _size(place: str, part: object) -> int:
    """How many characters the result may have at most, of long values; lists count as text."""
    if isinstance(part, list):
        return max((_size(place, each) for each in part), default=0)
    if not isinstance(part, dict):
        return 0
    match part.get("class"):
        case "COLUMN_REF":
            return CELL
        case "CONSTANT":
            return len(str(part["literal"]["text"]))
        case "FUNCTION":
            name = str(part["function_name"]).lower()
            given = [each["expression"] for each in part["arguments"]]
            return _size_of_call(place, name, given)
        case _:
            return max((_size(place, each) for each in part.values()), default=0)


def _size_of_call(place: str, name: str, given: list[Tree]) -> int:
    sizes = [_size(place, each) for each in given]
    match name:
        case "||" | "concat":
            return sum(sizes)
        case "list_value":
            return 4 * sum(sizes)  # as text each value is quoted
        case "concat_ws":
            return sum(sizes) + sizes[0] * len(sizes) if sizes else 0
        case "lpad" | "rpad" if len(given) > 1:
            return max(sizes[0], 4 * _whole_number(place, name, given[1]))
        case "replace" if len(given) == 3:
            shortest = max(1, sizes[1]) if given[1]["class"] == "CONSTANT" else 1
            return sizes[0] * max(1, -(-sizes[2] // shortest))
        case "regexp_replace" if len(given) > 2:
            words = str(given[2]["literal"]["text"]) if given[2]["class"] == "CONSTANT" else None
            quoted = len(re.findall(r"\\\d", words)) if words is not None else sizes[2]
            of_each = sizes[2] if len(given) > 3 else 0
            return sizes[0] * (1 + quoted + of_each) + sizes[2]
        case "strftime":
            return 10 * sum(sizes)
        case "string_split" | "str_split" | "string_to_array" | "regexp_split_to_array":
            return 16 * max(sizes, default=0)
        case _:
            return max(sizes, default=0)


def _whole_number(place: str, name: str, part: Tree) -> int:
    text = str(part["literal"]["text"]) if part["class"] == "CONSTANT" else ""
    if not text.isdecimal():
        raise InputError(f"{place}: the length that {name} takes must be a whole number.")
    return int(text)
