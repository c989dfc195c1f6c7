"""Importing: another return, in whatever form it is to be had, beside the one built here.

Last year's file, a vendor's, what COLLECT gives back: each becomes a return of its own in the
schema imported, under a name the authority chooses. All of it or nothing: a file that is refused
leaves the warehouse as it was.
"""

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import duckdb

from .. import spec, warehouse
from ..ground.console import Advance, Stages, err, say
from ..ground.errors import InputError
from ..spec import xml_structure
from ..spec.constants import BUILT
from . import blade, dfe_workbook, result, table_return
from .result import LONGEST_NAME, ImportResult
from .xml import load_file, parse
from .xml.reader import Connection

NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
CHUNK = 1 << 20


def import_return(
    source: Path,
    name: str,
    path: Path,
    year: int | None = None,
    la_code: str | None = None,
    *,
    replace: bool = False,
) -> ImportResult:
    """Import a file or a folder as the return `name` of the warehouse at `path`.

    A name that is taken is refused unless its return is to be replaced. The year and the
    authority's code are the header's; where a layout has no header, they are those given.
    """
    _check_name(name)
    stages = Stages()
    is_new = not path.exists()
    try:
        with warehouse.connect(path) as connection:
            _check_free(connection, path, name, replace)
            with stages.stage("import", "Importing") as advance:
                loaded = _load(connection, source, name, year, la_code, advance)
            notes = _notes(connection, loaded)
    except BaseException:
        if is_new:
            warehouse.remove(path)
        raise
    stages.say("import", f"{loaded.person_count:,} people of {loaded.year} as {name}, in {path}")
    for note in notes:
        say(f"Note: {note}", to=err)
    return loaded


def collection_of(file: Path, given: tuple[str | None, str | None], asked: int | None) -> int:
    """The collection a return is judged by, the one asked for or the one it gives itself.

    It gives a year and a reference date: a survey day tells more than the year, of which one digit
    may be wrong. Says what is odd; what is no person level collection is an input error.
    """
    held_year, reference_date = given
    text = held_year if held_year and re.fullmatch("[0-9]{4}", held_year, re.ASCII) else None
    if asked is None:
        asked = _collection_surveyed_on(reference_date)
    if asked is None and text is None:
        held = (
            "the year in its header is not four digits"
            if held_year
            else "it begins with no header that has a year"
        )
        raise InputError(f"{file}: {held}. Say which collection it is for with --year.")
    year = asked if asked is not None else int(text or 0)
    try:
        collection = spec.collection(year)
    except InputError as error:
        whose = "" if asked is not None else f"{file}: the year in its header is no collection. "
        raise InputError(f"{whose}{error}") from None
    if not collection.has_person_level:
        raise InputError(f"{file}: the collection {year} had no person level file.")
    if collection.is_provisional and spec.has_confirmed_structure(year):
        err.print(
            f"Note: {year} is provisional. No specification for it was found, so the items, codes"
            " and rules of the year before are used on its dates."
        )
    if text is not None and int(text) != year:
        say(f"Note: the file's header says {text}; it is taken as one of {year}.", to=err)
    return year


def _collection_surveyed_on(reference_date: str | None) -> int | None:
    """The collection with a person level file whose survey day this is."""
    collections = (spec.collection(int(row["collection_year"])) for row in spec.seed("collections"))
    return next(
        (
            collection.year
            for collection in collections
            if collection.has_person_level
            and collection.survey_day.isoformat() == (reference_date or "")[:10]
        ),
        None,
    )


def sha256_of(files: Iterable[Path]) -> str:
    """One fingerprint of the bytes of several files, in this order."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def _check_name(name: str) -> None:
    if name == BUILT:
        raise InputError(
            f"--as {BUILT}: this name is kept for the return made from an extract. Choose another,"
            " for instance last_year."
        )
    if not NAME.fullmatch(name):
        raise InputError(
            "--as: a return's name is made of the letters a to z, digits and _, begins with a"
            f" letter and has at most {LONGEST_NAME} of them, for instance last_year."
        )


def _check_free(connection: Connection, path: Path, name: str, replace: bool) -> None:
    taken = None
    with suppress(duckdb.CatalogException):
        taken = connection.execute(
            "select source_file, collection_year from imported.files where return_id = ?", [name]
        ).fetchone()
    if taken and not replace:
        raise InputError(
            f"--as {name}: {path} has a return of this name already, from {taken[0]} of {taken[1]}."
            " Choose another name, or add --replace to put the new one in its place."
        )


def _load(
    connection: Connection,
    source: Path,
    name: str,
    year: int | None,
    la_code: str | None,
    advance: Advance,
) -> ImportResult:
    """Read the source by what it is: a folder of CSV files, a workbook, or an XML file."""
    if source.is_dir():
        return _load_tables(connection, source, name, year, la_code, advance)
    if source.suffix.lower() == ".csv":
        raise InputError(
            f"{source}: is one CSV file. Give the folder of COLLECT's export, which has nine."
        )
    if dfe_workbook.is_workbook(source):
        return _load_tables(connection, source, name, year, la_code, advance)
    given = parse.header_years(source)
    if given == (None, None) and year is None:
        _refuse_another_root(source)
    year = collection_of(source, given, year)
    warehouse.prepare(connection, year)
    return load_file.load(connection, source, name, year, advance, whole=True)


def _load_tables(
    connection: Connection,
    source: Path,
    name: str,
    year: int | None,
    la_code: str | None,
    advance: Advance,
) -> ImportResult:
    """A return that comes as tables: COLLECT's export in a folder, or a workbook."""
    is_folder = source.is_dir()
    reader = blade if is_folder else dfe_workbook
    gathered = reader.read(connection, source, advance)
    year = collection_of(source, (gathered.header("year"), gathered.header("reference_date")), year)
    if "sen2" not in gathered.parts and la_code is None:
        raise InputError(f"{source}: has no header, so say whose return it is with --la CODE.")
    table_return.check_year(gathered.layout, year, source)
    warehouse.prepare(connection, year)
    sha256 = sha256_of(blade.files(source) if is_folder else [source])
    connection.begin()
    try:
        loaded = gathered.store(name, year, sha256, la_code)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    return loaded


def _refuse_another_root(file: Path) -> None:
    found, wanted = parse.root_of(file), xml_structure.message(spec.newest_year()).tag
    if found is None:
        raise InputError(f"{file}: is not an XML file. Give the file that was made for COLLECT.")
    if found.lower() != wanted.lower():
        raise InputError(
            f"{file}: its root element is {found}, where a SEN2 file has {wanted}, and it has no"
            " header that says its year. Give the file that was made for COLLECT."
        )


def _notes(connection: Connection, loaded: ImportResult) -> list[str]:
    """What whoever imports a return should know about it."""
    notes = []
    if not spec.has_confirmed_structure(loaded.year):
        notes.append(
            f"no source confirms how the XML of {loaded.year} was nested; it was read with the"
            " nesting of the year after, and what does not fit that is among the faults."
        )
    if loaded.fault_count:
        notes.append(
            f"the structure has faults ({loaded.fault_count:,}); after `sen2 build` they are issues"
            f" of this return, rules {result.STRUCTURE} and {result.OTHER_YEAR}."
        )
    whose = connection.execute(
        "select lea, la_code from imported.sen2 cross join audit.extract_settings"
        " where return_id = ? and lea <> la_code",
        [loaded.return_id],
    ).fetchone()
    if whose:
        notes.append(
            f"it is a return of authority {whose[0]}, and the extract here is of {whose[1]}, so"
            " neither is taken for the other's last year."
        )
    return notes
