"""Lines on terminals of any width, and in files."""

import io
import re

from rich.table import Table
from rich.text import Text

from sen2 import spec
from sen2.ground.console import Console, say, say_text

LINE = "  L14      92  query: The plan is due a review, but no recent review meeting is recorded."


def said(line: object, **settings: object) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, highlight=False, **settings)  # type: ignore[arg-type]
    say(line, under=15, to=console)
    return file.getvalue().splitlines()


def test_a_narrow_terminal_gets_whole_words_under_each_other() -> None:
    lines = said(LINE, width=50, force_terminal=True, no_color=True)
    assert len(lines) > 1
    assert max(map(len, lines)) <= 50
    assert all(line.startswith(" " * 15) and line[15] != " " for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(LINE.split())


def test_a_wide_terminal_and_a_file_get_the_line_as_it_is() -> None:
    assert said(LINE, width=200, force_terminal=True, no_color=True) == [LINE]
    assert said(LINE, width=50, soft_wrap=True) == [LINE]


def test_what_looks_like_markup_is_not() -> None:
    name = "out/[/red]/a [b].xml"
    assert said(name, width=80, soft_wrap=True) == [name]
    assert said(Text(name, style="red"), width=80, soft_wrap=True) == [name]


STEERS = "a\x1b[2J\x1b]0;PWNED\x07\x9b8m\x7f\u202e\rb\nholds: all of it"
"""Clears the screen, sets the title, hides, deletes, turns round, goes back, makes a line."""


def test_a_name_steers_no_terminal_and_makes_no_line() -> None:
    assert len(said(STEERS, width=200, soft_wrap=True)) == 1
    grid = Table("h")
    grid.add_row(STEERS)
    file = io.StringIO()
    terminal = Console(file=file, highlight=False, width=80, force_terminal=True, no_color=True)
    say(Text(STEERS), to=terminal)
    for thing in (STEERS, Text(STEERS), grid):
        terminal.print(thing)
    say_text(STEERS, to=terminal)
    printed = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    assert "PWNED" in printed
    assert [each for each in printed if not each.isprintable() and each != "\n"] == []


def test_everything_is_printed_by_the_console_that_cleans() -> None:
    """Nothing prints past it: neither Python's own print nor a console of rich's."""
    folder = spec.PROJECT / "scripts"
    allowed = {"build/dbt_child.py", "cli/watched.py", "ground/console.py", "ground/keys.py"}
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if re.search(
            r"(?<![.\w])print\(|typer\.echo|std(out|err)\.write|from rich\.console import",
            path.read_text(encoding="utf-8"),
        )
    }
    assert {name for name in found - allowed if not name.startswith("dev/")} == set()
