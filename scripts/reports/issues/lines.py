"""The issue lines of a return in the order of the work, with what is known of each.

A temporary table `lines` beside the warehouse: the fault in words, days over the limit, what the
authority answered, what is new since the last run. The sheets and issues.csv are written of it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

import duckdb

from ...spec.constants import BUILT, MODULES, SEVERITIES
from ..workbook import MAIN, Values
from . import words
from .lines_sql import COUNTS, LINES, MACROS, WORDS, WORDS_OF
from .prepared import prepare_offered, prepare_workers
from .queries import (
    AGREED,
    CLEARED,
    FOR_COLLECT,
    GROUPS,
    KEPT_LINES,
    LINES_BEFORE,
    LOCAL_VALUES,
    RULES_IN_FORCE,
    UNUSED,
)
from .returns import Return
from .words import HIDDEN, NO_TEAM

Connection = duckdb.DuckDBPyConnection


class Item(NamedTuple):
    """An item of the return: where it is, its number, tag, name and list of codes."""

    table: str
    number: str | None
    tag: str
    name: str
    codeset: str | None


class Code(NamedTuple):
    """A code of a list, and its meaning."""

    codeset: str
    code: str
    label: str


def keep_lines_before(connection: duckdb.DuckDBPyConnection, there: str) -> None:
    """Keep which lines the last run found, from its warehouse, attached under the name `there`."""
    connection.execute(MACROS)
    connection.execute("delete from audit.lines_before")
    connection.execute(LINES_BEFORE.format(there=f"{there}."))


class Issues:
    """The issue lines of a return in the order of the work, and what is known beside them."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, the_return: Return, identify: bool
    ) -> None:
        """Prepare the lines as a temporary table, beside the warehouse and not in it."""
        self.the_return = the_return
        self.identify = identify
        self._connection = connection
        self._given = {"return_id": the_return.return_id, "modules": list(MODULES)}
        self.rules = self._rules()
        in_year = "where $year between year_from and year_to"
        self.items = [
            Item(*row)
            for row in self._rows(
                "select table_name, nullif(item_no, ''), xml_tag, name, nullif(codeset, '')"
                f" from spec.items {in_year} order by table_name, item_no, xml_tag",
                year=the_return.year,
            )
        ]
        self.codes = [
            Code(*row)
            for row in self._rows(
                f"select codeset, code, label from spec.codes {in_year}"
                " order by codeset, try_cast(code as integer), code",
                year=the_return.year,
            )
        ]
        texts = [(rule["rule_id"], *self._texts(rule)) for rule in self.rules]
        connection.execute(
            "create or replace temp table rule_texts as select"
            " unnest($1::varchar[]) as rule_id, unnest($2::varchar[]) as allowed,"
            " unnest($3::varchar[]) as item_number, unnest($4::varchar[]) as item",
            [[text[column] for text in texts] for column in range(4)],
        )
        connection.execute(MACROS)
        connection.execute(WORDS)
        connection.execute(
            WORDS_OF, {"year": the_return.year, "longest_label": words.LONGEST_LABEL}
        )
        prepare_workers(connection)
        prepare_offered(connection)
        own = {
            **self._given,
            "year": the_return.year,
            "work_day": the_return.work_day,
            "return_mark": the_return.mark,
            "severities": list(SEVERITIES),
            "identify": identify,
            "built": BUILT,
            "no_team": NO_TEAM,
            "main": MAIN,
            "hidden": HIDDEN["hidden"],
            "most_kinds": words.MOST_KINDS,
            "many_from": words.MANY_FROM,
            "short": words.SHORT_TOKEN,
            "long": words.TOKEN_LENGTH,
            "corrected": "corrected",
            "not_ours": "other_team",
            "right": words.RIGHT,
            "agreed": words.AGREED,
            "answered": words.ANSWERED,
            "still_there": words.STILL_THERE,
            "waiting": words.WAITING,
            "again": words.AGAIN,
            "last_year": words.LAST_YEAR,
            "moved": words.MOVED,
            "new": words.NEW,
        }
        connection.execute(LINES, own)
        cleared = ("year", "no_team", "return_id", "built")
        connection.execute(CLEARED, {name: own[name] for name in cleared})

    def _rows(self, query: str, **given: object) -> list[Values]:
        return self._connection.execute(query, given or None).fetchall()

    def _rules(self) -> list[dict[str, Any]]:
        """Every rule in force with what came of it, in the order of the return."""
        found = self._connection.execute(
            RULES_IN_FORCE,
            self._given | {"year": self.the_return.year, "no_team": NO_TEAM},
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _texts(self, rule: dict[str, Any]) -> tuple[str | None, ...]:
        """Allowed values, item numbers and item names of a rule, a line for each item.

        A rule on published figures is about a share, which the line names, and about no item.
        """
        if rule["module"] == "figures":
            return None, None, None
        tags = rule["items"].split(", ")
        named = [(tag, _meant(tag, rule["module"], tags, self.items)) for tag in tags]
        items = [item for _, meant in named for item in meant]
        allowed = dict.fromkeys(
            (f"{item.tag}: " if len(items) > 1 else "")
            + self._allowed(
                item.codeset,
                words.LONGEST_LIST if item.tag == tags[0] else words.LONGEST_OTHER_LIST,
            )
            for item in items
            if item.codeset
        )
        if len(tags) > words.MOST_ITEM_NAMES:
            names = [", ".join(tags)]
        else:
            names = [
                " or ".join(dict.fromkeys(_titled(item) for item in meant)) or f"{tag} as a whole"
                for tag, meant in named
            ]
        numbers = (item.number for item in items if item.number)
        texts = "\n".join(allowed), ", ".join(numbers), "\n".join(names)
        return tuple(text or None for text in texts)

    def _allowed(self, codeset: str, longest: int) -> str:
        text = "; ".join(
            f"{code.code} {code.label}" for code in self.codes if code.codeset == codeset
        )
        return text if len(text) <= longest else f"see the list {codeset} on the sheet Codes"

    def count(self, team: str | None = None, worker: str | None = None) -> Values:
        """Lines by severity, of all and of main causes, people, queries to explain, new lines."""
        where, given = _of(team, worker)
        return self._rows(f"select {COUNTS} from lines where true {where}", **given)[0]

    def count_by(self, column: str) -> list[Values]:
        """The same counts and cleared lines for each value of a column, most severe first."""
        zeros = ", ".join(["0"] * len(SEVERITIES))
        return self._rows(
            f"""
            with counted as (
                select {column} as which, {COUNTS}, 0 as cleared from lines group by {column}
                union all
                select {column}, {zeros}, 0, 0, 0, 0, 0, count(*) from cleared group by {column}
            )
            select which, sum(columns(* exclude (which)))::bigint
            from counted group by which order by 2 desc, 3 desc, 4 desc, 1
            """
        )

    def cleared(self) -> int:
        """How many lines of the last run are no longer found."""
        return int(self._rows("select count(*) from cleared")[0][0])

    def answered(self) -> int:
        """How many queries have an explanation; an error that DfE agreed to is none."""
        explained = "select count(*) from lines where severity = 'query' and note is not null"
        return int(self._rows(explained)[0][0])

    def is_first(self) -> bool:
        """Whether no run before this one is known, so that nothing can be new or cleared."""
        return not self._rows("select count(*) from audit.lines_before")[0][0]

    def kept(self) -> list[Values]:
        """The notes and corrections of the authority, those without effect first."""
        return self._rows(
            KEPT_LINES,
            return_id=self.the_return.return_id,
            built=BUILT,
            identify=self.identify,
            work_day=self.the_return.work_day,
            **HIDDEN,
        )

    def for_collect(self) -> list[Values]:
        """The explanations and agreements in the order of the return, one for each line."""
        return self._rows(FOR_COLLECT, built=BUILT, **self._given)

    def agreed(self) -> str:
        """The errors that DfE has agreed to: how many of each rule, who agreed and when."""
        rows = self._connection.execute(AGREED, [self.the_return.return_id]).fetchall()
        lines = Counter((rule, by, day) for rule, _, _, by, day in rows)
        return "; ".join(
            f"{count:,} of {rule} ({by or 'nobody'}, {_day(day)})"
            for (rule, by, day), count in lines.items()
        )

    def unused(self) -> list[Values]:
        """The answers that the last reading of workbooks could not use, each with the reason."""
        return self._rows(UNUSED, return_id=self.the_return.return_id, built=BUILT)

    def local_values(self) -> list[Values]:
        """What the mappings left as the source writes it, and every default they filled in."""
        return self._rows(LOCAL_VALUES) if self.the_return.return_id == BUILT else []

    def groups(self, worker: str | None = None) -> list[dict[str, Any]]:
        """The queries by rule and, where a rule has few, by kind of value, the largest first."""
        of, given = _of(None, worker)
        found = self._connection.execute(
            GROUPS.format(of=of),
            {"return_mark": self.the_return.mark, "right": words.RIGHT} | given,
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def teams(self, worker: str | None = None) -> list[str]:
        """The teams that have something to do, in alphabetical order."""
        of, given = _of(None, worker)
        rows = self._rows(f"select distinct team from lines where true {of} order by 1", **given)
        return [team for (team,) in rows]

    def workers(self) -> list[str]:
        """The officers who have something to do, in order of name; none where none is given."""
        rows = self._rows("select distinct worker from lines where worker is not null order by 1")
        return [worker for (worker,) in rows]

    def lines(
        self,
        names: Iterable[str],
        team: str | None = None,
        limit: int | None = None,
        worker: str | None = None,
    ) -> Iterator[Values]:
        """Lines in order, of a team or of all, with the columns of these names."""
        of, given = _of(team, worker)
        first = f"limit {limit}" if limit else ""
        found = self._connection.execute(
            f"select {', '.join(names)} from lines where true {of} order by line {first}",
            given or None,
        )
        while batch := found.fetchmany(10_000):
            yield from batch


def _day(day: str | None) -> str:
    return words.day_in_words(date.fromisoformat(day)) if day else "no day"


def _of(team: str | None, worker: str | None) -> tuple[str, dict[str, object]]:
    """The condition for the lines of a team and of an officer, and its values."""
    given: dict[str, object] = {}
    words = ""
    for name, value in (("team", team), ("worker", worker)):
        if value:
            words += f" and {name} = ${name}"
            given[name] = value
    return words, given


def _meant(tag: str, module: str, tags: list[str], items: list[Item]) -> list[Item]:
    """The items of a tag: the rule's own module's, else those of a part it names, else all."""
    held = [item for item in items if item.tag == tag]
    table = "sen2" if module == "header" else module
    parts = {other.lower() for other in tags}
    return (
        [item for item in held if item.table == table]
        or [item for item in held if item.table.replace("_", "") in parts]
        or held
    )


def _titled(item: Item) -> str:
    return item.name if item.name == item.tag else f"{item.name} ({item.tag})"
