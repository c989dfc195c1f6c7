"""The survey as data: the seeds in seeds/spec."""

from .seeds import (
    PROJECT,
    SEEDS,
    Collection,
    ContractColumn,
    Row,
    collection,
    contract,
    has_confirmed_structure,
    in_force,
    model_file,
    newest_year,
    parents,
    person_level_columns,
    seed,
)

__all__ = [
    "PROJECT",
    "SEEDS",
    "Collection",
    "ContractColumn",
    "Row",
    "collection",
    "contract",
    "has_confirmed_structure",
    "in_force",
    "model_file",
    "newest_year",
    "parents",
    "person_level_columns",
    "seed",
]
