"""The names of what sen2 keeps beside a warehouse and writes into a folder of outputs."""

from dataclasses import dataclass
from pathlib import Path

# In the folder of the outputs
STAGED = ".building_"
"""How the folder begins in which a run makes the outputs that it will move in."""
AUDIT = "audit.json"
PUBLISHED = "published"
SUPERSEDED = "superseded"
FINAL = "final"
PACKS = "packs"
PARQUET = "parquet"
PSEUDONYMISED = "pseudonymised"
ANSWERED = "answers_to_read"
"""Workbooks that somebody answered in while a run was on, for the next run to read."""
STAYING = (ANSWERED, FINAL, PACKS, PARQUET, PSEUDONYMISED, SUPERSEDED)
"""The folders of the outputs that a run leaves as they are."""

# In the folder of the warehouses
HISTORY = "history.duckdb"
RECORDS = "records"
"""Beside a warehouse: the records of nights that the history does not have yet."""
ARCHIVE = "kept"
"""The warehouses of earlier nights, unless the settings name another folder."""
COMPILED = ".compiled"
"""Beside a warehouse: the project's SQL as dbt compiled it, for all warehouses of the folder."""
SUBMISSIONS = "submissions"
"""In the archive: the submissions of earlier nights."""


@dataclass(frozen=True)
class Place:
    """A warehouse, by its real path, and the folder beside it."""

    warehouse: Path

    @property
    def folder(self) -> Path:
        """The folder beside the warehouse, of the same file system."""
        return self.warehouse.parent / f".{self.warehouse.stem}"

    @property
    def building(self) -> Path:
        """The new warehouse; the name is the old one's, since dbt's relations carry it."""
        return self.folder / "building" / self.warehouse.name

    @property
    def staged(self) -> Path:
        """A file that names the folder of the outputs being made, for whoever has to tidy up."""
        return self.folder / "building" / "outputs.txt"

    @property
    def compiled(self) -> Path:
        """The project's SQL as dbt compiled it."""
        return self.warehouse.parent / COMPILED

    @property
    def last(self) -> Path:
        """What the last run was, to know one like it."""
        return self.folder / "last.json"

    @property
    def journal(self) -> Path:
        """The steps of a swap that has begun."""
        return self.folder / "swap.json"

    @property
    def records(self) -> Path:
        """The records of nights that the history does not have yet."""
        return self.folder / RECORDS


def log_of(warehouse: Path) -> Path:
    """Where DuckDB keeps what it has not yet written into a warehouse."""
    return warehouse.with_name(f"{warehouse.name}.wal")
