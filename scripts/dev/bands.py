"""The national bands that are shipped, made from DfE's published CSV files.

`make bands PUBLISHED=FOLDER` writes seeds/spec/national_bands.csv by the model that finds them in
files given to a run, so that the shipped bands and those of a run are made alike.
"""

import csv
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .. import spec, warehouse
from ..build import build
from ..ground.errors import InputError
from ..land import releases

SELECTED = ("national_bands_found",)


def write_bands(folder: Path, path: Path) -> int:
    """Write the bands of every share that DfE's files hold to `path`; gives the number of rows."""
    year = spec.newest_year()
    with TemporaryDirectory() as temporary:
        file = Path(temporary) / "bands.duckdb"
        with warehouse.connect(file, reaches=[folder]) as connection:
            warehouse.prepare(connection, year)
            releases.land(connection, folder, None)
        build.build(file, year, models=SELECTED)
        with warehouse.connect(file, read_only=True) as connection:
            found = connection.execute(
                "select bands.*, 'DERIVED from rel' || datasets.release || '_' || dataset || '.csv'"
                " as evidence from intermediate.national_bands_found as bands"
                " inner join spec.published_datasets as datasets using (dataset)"
                # Years that a run lays out so: DfE republishes older ones in its newest tables.
                " semi join (select dataset, figure, year_from, year_to from spec.published_columns"
                " union all select dataset, column_name, year_from, year_to"
                " from spec.published_columns_2022) as columns"
                " on bands.dataset = columns.dataset and bands.figure = columns.figure"
                " and bands.collection_year between columns.year_from and columns.year_to"
                " order by datasets.release desc, datasets.position, figure, breakdown,"
                " collection_year"
            )
            names = [column[0] for column in found.description]
            rows = found.fetchall()
    with path.open("w", encoding="utf-8", newline="") as seed:
        writer = csv.writer(seed, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    return len(rows)


def main() -> None:
    """Write the bands of the folder that the command names to the file that it names."""
    if len(sys.argv) != 3:
        raise SystemExit(
            "Give the folder of DfE's published CSV files: make bands PUBLISHED=FOLDER"
        )
    try:
        rows = write_bands(Path(sys.argv[1]), Path(sys.argv[2]))
    except InputError as error:
        raise SystemExit(str(error)) from None
    print(
        f"{rows:,} bands"
        if rows
        else "0 bands: a band needs more authorities than these files hold."
    )


if __name__ == "__main__":
    main()
