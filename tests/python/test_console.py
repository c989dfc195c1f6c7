"""Lines on terminals of any width, and in files."""

import io

from rich.console import Console
from rich.text import Text

from sen2.console import say

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
