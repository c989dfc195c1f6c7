"""Many authorities and years, in several processes."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ...build.compiled import find_compiled
from .compare import Result, prove
from .models import Pipeline

Task = tuple[int, Path, str, Path]


def prove_all(tasks: list[tuple[int, Path, str]], jobs: int) -> Iterator[Result | None]:
    """Prove authorities in years in so many processes; results in the order of the tasks."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        find_compiled(folder)
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
            yield from pool.map(prove_one, [(*task, folder) for task in tasks])


def prove_one(task: Task) -> Result | None:
    """Prove one authority in one year, on a copy of the warehouse of this process."""
    year, published, authority, folder = task
    work = folder / f"work_{os.getpid()}"
    work.mkdir(exist_ok=True)
    return prove(_pipeline(folder), year, published, authority, work)


@cache
def _pipeline(folder: Path) -> Pipeline:
    """The models compiled in the folder, read once in each process."""
    return Pipeline(find_compiled(folder))
