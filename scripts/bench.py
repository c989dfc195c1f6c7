"""The main job at growing sizes: seconds by stage, peak memory, size of the submission.

`make bench` runs it; `python -m sen2.bench 3300 20000 100000` runs other sizes. Each size is a
fresh synthetic extract in a temporary folder, taken to a submission by the command itself.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from rich.table import Table

from . import spec, warehouse
from .console import out
from .sample import write_sample

SIZES = (300, 3_300, 20_000)
STAGES = ("land", "build", "arrival", "rules", "export", "report")


def measure(plans: int, year: int, folder: Path) -> list[str]:
    """One run: plans, seconds in all and by stage, peak memory in MB, submission in MB."""
    write_sample(folder / "extract", year, plans, 1)
    config = spec.PROJECT / "sen2.yml"
    arguments = [sys.executable, "-m", "sen2.cli", "run", str(folder / "extract")]
    arguments += ["--year", str(year), "--config", str(config)]
    arguments += ["--warehouse", str(folder / "sen2.duckdb"), "--out", str(folder / "out")]
    start = time.perf_counter()
    with Path(os.devnull).open("w") as nowhere:
        process = os.posix_spawn(
            sys.executable,
            arguments,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)],
        )
        _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    if status:
        return [f"{plans:,}", f"exit {os.waitstatus_to_exitcode(status)}"]
    with warehouse.connect(folder / "sen2.duckdb", read_only=True) as connection:
        stages = dict(
            connection.execute("select stage, seconds from audit.runs order by run").fetchall()
        )
        sizes = connection.execute("select max(bytes) from audit.submissions").fetchone()
    row = [f"{plans:,}", f"{seconds:.1f}", *(f"{stages.get(stage, 0):.1f}" for stage in STAGES)]
    return [*row, f"{usage.ru_maxrss / 1024:.0f}", f"{(sizes or [0])[0] / 1e6:.1f}"]


def main() -> None:
    """Measure each size and print one table."""
    sizes = [int(size.replace(",", "")) for size in sys.argv[1:]] or list(SIZES)
    year = max(year for year in _confirmed_years() if not spec.collection(year).is_provisional)
    table = Table("plans", "in all s", *(f"{stage} s" for stage in STAGES), "peak MB", "XML MB")
    for column in table.columns:
        column.justify = "right"
    for plans in sizes:
        with tempfile.TemporaryDirectory() as folder:
            table.add_row(*measure(plans, year, Path(folder)))
    out.print(table)


def _confirmed_years() -> list[int]:
    years = (int(row["collection_year"]) for row in spec.seed("collections"))
    return [year for year in years if spec.has_confirmed_structure(year)]


if __name__ == "__main__":
    main()
