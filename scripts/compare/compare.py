"""Comparing two returns of a warehouse, child by child and figure by figure, without dbt.

The models `compared_…` say what changed between two returns; a build runs them for the pairs in
use. Here the same files run for any other pair: only the pair is another, the SQL is theirs.
"""

import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import jinja2
from rich import box
from rich.table import Table
from rich.text import Text

from .. import spec, warehouse
from ..ground.console import Console, say
from ..ground.errors import InputError
from . import workbook
from .result import Comparison, Count, Side

PAIR = ("earlier_return_id", "later_return_id")
GIVEN = "compared_pairs"
"""The model that says which returns are compared: the one that is given here instead."""
MODEL = re.compile(r"ref\('(compared_\w+)'\)")


def compare(earlier: str, later: str, path: Path, folder: Path, *, identify: bool) -> Comparison:
    """Compare two returns of the warehouse at `path`; what differs is kept there, by pair.

    Writes compare.xlsx to `folder`, where names and dates of birth stand only with `identify`.
    Raises InputError when a return is not there or the later one is of an earlier year.
    """
    warehouse.require(path)
    with warehouse.connect(path) as connection:
        try:
            sides = _sides(connection, earlier, later, path)
            connection.begin()
            run(connection, earlier, later)
            connection.commit()
            found = _counted(connection, *sides)
        except (duckdb.CatalogException, duckdb.BinderException):
            raise InputError(warehouse.NOT_BUILT.format(path=path)) from None
        workbook.write(connection, found, folder, identify=identify)
    return found


def run(connection: duckdb.DuckDBPyConnection, earlier: str, later: str) -> None:
    """Have the models' rows of a pair of returns, as temporary relations of the models' names.

    The pairs that a build compares are there already. Of another pair the models are run, and what
    they give is kept in their tables too, until the next build.
    """
    pair = [earlier, later]
    of_pair = f"where {PAIR[0]} = $1 and {PAIR[1]} = $2"
    is_there = connection.execute(f"from validation.{GIVEN} {of_pair}", pair).fetchone()
    kept = [
        model
        for (model,) in connection.execute(
            "select table_name from duckdb_columns() where schema_name = 'validation'"
            " and table_name like 'compared%' and column_name in $1 group by all"
            " having count(*) = 2 order by all",
            [PAIR],
        ).fetchall()
    ]
    if is_there:
        for model in kept:
            connection.execute(
                f"create or replace temp table {model} as from validation.{model} {of_pair}", pair
            )
        return
    connection.execute(
        f"create or replace temp table {GIVEN} as"
        f" select $1::varchar as {PAIR[0]}, $2::varchar as {PAIR[1]}",
        pair,
    )
    for model, statement in statements_in_order():
        connection.execute(f"create or replace temp table {model} as {statement}")
    for model in kept:
        connection.execute(f"insert into validation.{model} by name from temp.{model}")


def statements_in_order() -> Iterator[tuple[str, str]]:
    """Each model but the pairs and the rules with its SQL, after those it reads."""
    files = {
        path.stem: path
        for path in sorted((spec.PROJECT / "models" / "validation").rglob("compared_*.sql"))
        if path.stem != GIVEN and not path.stem.endswith("_checks")
    }
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    reads = {name: sorted(set(MODEL.findall(text)) & set(texts)) for name, text in texts.items()}
    templates = jinja2.Environment(autoescape=False)
    schemas = _schemas()

    def ref(name: str) -> str:
        return f"temp.{name}" if name in texts or name == GIVEN else f"{schemas[name]}.{name}"

    def source(schema: str, name: str) -> str:
        return f"{schema}.{name}"

    for name in TopologicalSorter(reads).static_order():
        yield name, templates.from_string(texts[name]).render(ref=ref, source=source)


def _schemas() -> dict[str, str]:
    """Return each model and seed with its schema, the folder of its layer."""
    return {
        path.stem: path.relative_to(spec.PROJECT / part).parts[0]
        for part, ending in (("models", "sql"), ("seeds", "csv"))
        for path in (spec.PROJECT / part).rglob(f"*.{ending}")
    }


def _sides(
    connection: duckdb.DuckDBPyConnection, earlier: str, later: str, path: Path
) -> tuple[Side, Side]:
    """The two returns; an input error when one is not there, or they come in the wrong order."""
    known = {
        row[0]: Side(*row)
        for row in connection.execute(
            "select return_id, collection_year, survey_day from validation.returns"
            " order by collection_year, return_id"
        ).fetchall()
    }
    for name in (earlier, later):
        if name not in known:
            held = ", ".join(f"{side.return_id} of {side.year}" for side in known.values())
            raise InputError(
                f"{path}: has no return of the name that was given; it has {held or 'none'}. A"
                " return that was imported is there after `sen2 build`."
            )
    first, second = known[earlier], known[later]
    if first.survey_day > second.survey_day:
        raise InputError(
            f"{first.return_id} is of {first.year} and {second.return_id} of {second.year}: give"
            " the earlier return first."
        )
    return first, second


def _counted(connection: duckdb.DuckDBPyConnection, earlier: Side, later: Side) -> Comparison:
    """What differs, in numbers."""
    rows = connection.execute(
        """
        with people as (
            select state as kind, count(earlier_person_id) as earlier,
                count(later_person_id) as later, 0 as changes
            from temp.compared_people group by state
        ),
        changes as (
            select kind, count(distinct earlier_person_id) as people, count(*) as changes
            from temp.compared_changes group by kind
        )
        select kinds.kind, kinds.subject, kinds.label, kinds.meaning,
            case when kinds.subject = 'both' then coalesce(changes.people, 0)
                else coalesce(people.earlier, 0) end,
            case when kinds.subject = 'both' then coalesce(changes.people, 0)
                else coalesce(people.later, 0) end,
            coalesce(changes.changes, 0), kinds.to_check
        from spec.compared_kinds as kinds
        left join people on kinds.kind = people.kind
        left join changes on kinds.kind = changes.kind
        order by kinds.position
        """
    ).fetchall()
    ((doubts,),) = connection.execute("select count(*) from temp.compared_doubts").fetchall()
    ((figures, different),) = connection.execute(
        "select count(*), count(*) filter (earlier_value is distinct from later_value)"
        " from temp.compared_figures"
    ).fetchall()
    return Comparison(earlier, later, [Count(*row) for row in rows], doubts, figures, different)


def show(found: Comparison, console: Console) -> None:
    """The counts in the terminal: no id, no value of a person's record."""
    say(f"Then  {found.earlier}", 6, console)
    say(f"Now   {found.later}", 6, console)
    people = found.of("people")
    grid = _grid("People", "then", "now")
    for count in people:
        grid.add_row(count.label, f"{count.earlier:,}", f"{count.later:,}")
    totals = (
        sum(count.earlier for count in people),
        sum(count.later for count in people),
    )
    grid.add_row("Together", *(f"{total:,}" for total in totals), style="bold")
    console.print()
    console.print(grid)
    console.print()
    grid = _grid("Of those in both", "people", "changes")
    for count in found.of("both"):
        grid.add_row(count.label, f"{count.earlier:,}", f"{count.changes:,}")
    console.print(grid)
    console.print()
    console.print(
        Text(
            f"Doubtful pairs, shown and not joined: {found.doubts:,}."
            f" Figures compared: {found.figures:,}, of which {found.different_figures:,} differ."
        )
    )


def _grid(*headings: str) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for place, heading in enumerate(headings):
        if place:
            grid.add_column(heading, justify="right", min_width=8, no_wrap=True)
        else:
            grid.add_column(heading, overflow="fold", min_width=12, max_width=26)
    return grid
