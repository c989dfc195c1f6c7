"""What the command says: a progress bar on a terminal, plain lines otherwise, never a value."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Advance = Callable[[int, int], None]


class Stages:
    """The stages of a run and how long each took, in seconds."""

    def __init__(self) -> None:
        """Nothing has been timed yet."""
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, words: str) -> Iterator[Advance]:
        """Time a stage; the callable it gives takes what is done and the total, for the bar."""
        start = time.perf_counter()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(
            *columns, TimeElapsedColumn(), console=out, transient=True, disable=not out.is_terminal
        ) as progress:
            task = progress.add_task(words, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)
        self.seconds[name] = time.perf_counter() - start

    def say(self, name: str, words: str) -> None:
        """One line for a finished stage, with its time."""
        out.print(f"{name:<10}{words} [dim]({self.seconds[name]:.1f} s)[/dim]")
