"""What the command says: a progress bar on a terminal, plain lines otherwise, never a value."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich import console as rich_console
from rich.console import ConsoleOptions, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.text import Text

from .errors import printable


class Console(rich_console.Console):
    """A terminal or a file to print to, which nothing printed can steer.

    Whatever text a file, a name or a value brings, its control characters are printed as spaces;
    colours and line breaks are this program's own.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """What `renderable` prints, cleaned."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                text = "\n".join(map(printable, segment.text.split("\n")))
                yield Segment(text, segment.style)


out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())

Advance = Callable[[int, int], None]


def say(line: object, under: int = 4, to: Console = out) -> None:
    """Print one line; on a terminal too narrow for it the rest stands `under` columns in.

    A line break in the text, which a name may hold, becomes a space: it cannot make a line.
    """
    text = line if isinstance(line, Text) else Text(str(line))
    if "\n" in text.plain:
        text = Text(" ").join(text.split("\n"))
    if to.is_terminal and text.cell_len > to.width:
        text = Text("\n" + " " * under).join(text.wrap(to, max(to.width - under, 20)))
    to.print(text)


def say_text(text: str, to: Console = out) -> None:
    """Print lines as they are, for a person or for a file to be made of them."""
    to.print(Text(text), soft_wrap=True, end="")


class Stages:
    """The stages of a run and how long each took, in seconds."""

    def __init__(self) -> None:
        """Nothing has been timed yet."""
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, words: str) -> Iterator[Advance]:
        """Time a stage, or more of it; it gives what takes the done and the total, for a bar."""
        start = time.perf_counter()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(
            *columns, TimeElapsedColumn(), console=out, transient=True, disable=not out.is_terminal
        ) as progress:
            task = progress.add_task(words, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - start

    def say(self, name: str, words: str | Text) -> None:
        """One line for a finished stage, with its time."""
        line = Text.assemble(f"{name:<10}", words, " ", (f"({self.seconds[name]:.1f} s)", "dim"))
        say(line, under=10)

    def say_gate(self, name: str, expectations: int, *, is_red: bool) -> None:
        """The line of a gate: how much it expected, and whether it is green."""
        colour = "red" if is_red else "green"
        self.say(name, Text.assemble(f"{expectations} expectations, ", (colour, colour)))
