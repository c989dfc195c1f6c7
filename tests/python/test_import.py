"""Importing other returns: what is taken, what is refused, and what a refusal leaves."""

from pathlib import Path

import duckdb
import pytest

from sen2 import spec, warehouse
from sen2.ground.errors import InputError
from sen2.imports import imports, result
from sen2.spec import xml_structure

from .conftest import YEAR
from .test_run import sen2

HERE = Path(__file__).parent
SAMPLES = {int(path.stem[-4:]): path for path in sorted((HERE / "samples").glob("*.xml"))}
TABLES = spec.person_level_columns()

Held = dict[str, list[tuple]]


def held(path: Path, return_id: str) -> Held:
    """What the schema imported holds of a return, row for row."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            table: connection.execute(
                f"select * from imported.{table} where return_id = ? order by all", [return_id]
            ).fetchall()
            for table in (*TABLES, *warehouse.IMPORTED_TABLES)
        }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A warehouse with one imported return, x."""
    path = tmp_path / "sen2.duckdb"
    imports.import_return(SAMPLES[2025], "x", path)
    return path


def edited(folder: Path, old: str, new: str, year: int = YEAR) -> Path:
    """A sample with the first place of a text changed, which must be there."""
    text = SAMPLES[year].read_text(encoding="utf-8")
    assert old in text
    (folder / "edited.xml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder / "edited.xml"


def refusal(source: Path, path: Path, name: str = "x", **more: object) -> str:
    """Why an import is refused; what the warehouse held is untouched."""
    before = held(path, "x")
    with pytest.raises(InputError) as error:
        imports.import_return(source, name, path, **more)
    assert held(path, "x") == before
    return str(error.value)


def test_returns_of_several_years_stand_side_by_side(path: Path) -> None:
    alone = held(path, "x")
    for year, sample in SAMPLES.items():
        loaded = imports.import_return(sample, f"of_{year}", path)
        assert (loaded.year, loaded.person_count, loaded.fault_count) == (year, 8, 0)
    assert held(path, "x") == alone
    with duckdb.connect(str(path), read_only=True) as connection:
        files = connection.execute(
            "select return_id, collection_year, source_file from imported.files order by all"
        ).fetchall()
    assert files == [
        *((f"of_{year}", year, sample.name) for year, sample in SAMPLES.items()),
        ("x", 2025, SAMPLES[2025].name),
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("built", "kept for the return made from an extract"),
        ("x", "has a return of this name already, from sample_2025.xml of 2025"),
        ("", "made of the letters"),
        ("Last year", "made of the letters"),
        ("1x", "made of the letters"),
        ("x" * 61, "at most 60"),
        ("x; drop table", "made of the letters"),
    ],
)
def test_a_name_that_cannot_be_had_is_refused(name: str, words: str, path: Path) -> None:
    assert words in refusal(SAMPLES[2024], path, name)


def test_a_return_is_replaced_when_asked(path: Path) -> None:
    imports.import_return(SAMPLES[2024], "x", path, replace=True)
    assert [row[1:3] for row in held(path, "x")["files"]] == [(2024, "sample_2024.xml")]
    assert [row[2] for row in held(path, "x")["sen2"]] == ["2024"]
    assert len(held(path, "x")["person"]) == 8


def test_an_import_that_fails_leaves_the_old_return(path: Path, tmp_path: Path) -> None:
    long = edited(tmp_path, "<Surname>", "<Surname>" + "x" * (result.LONGEST_TEXT + 1))
    assert "longer than" in refusal(long, path, replace=True)
    cut = tmp_path / "cut.xml"
    text = SAMPLES[YEAR].read_text(encoding="utf-8")
    cut.write_text(text[: text.rindex("<Person>") + 30], encoding="utf-8")
    said = refusal(cut, path, replace=True)
    assert "is not XML from here on" in said
    assert "none was imported" in said


def test_a_refused_import_makes_no_warehouse(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        imports.import_return(tmp_path / "none.xml", "x", tmp_path / "new.duckdb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("surname,forename\n", "is not an XML file"),
        ("<xs:schema xmlns:xs='x'/>", "its root element is schema, where a SEN2 file has Message"),
        ("<Message><Persons/></Message>", "no header that has a year. Say which collection"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><Message/>", "has a document type declaration"),
        (
            "<Message><Header><CollectionDetails><Year>2021</Year></CollectionDetails></Header>",
            "the collection 2021 had no person level file",
        ),
        (
            "<Message><Header><CollectionDetails><Year>1999</Year></CollectionDetails></Header>",
            "the year in its header is no collection",
        ),
    ],
)
def test_what_is_no_return_is_refused_with_the_reason(
    content: str, words: str, path: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source.xml"
    source.write_text(content, encoding="utf-8")
    assert words in refusal(source, path, "other")


def test_faults_are_kept_and_nothing_else_is_lost(path: Path, tmp_path: Path) -> None:
    source = edited(tmp_path, "<Surname>", "<shoeSize>1</shoeSize><Surname>")
    assert imports.import_return(source, "faulty", path).fault_count == 1
    imports.import_return(SAMPLES[YEAR], "right", path)
    faulty, right = held(path, "faulty"), held(path, "right")
    for table in TABLES:
        assert [row[1:] for row in faulty[table]] == [row[1:] for row in right[table]]
    assert [row[1] for row in faulty["structure_faults"]] == ["F01"]


def test_the_guide_s_spelling_and_either_place_of_last_review_are_read(
    path: Path, tmp_path: Path
) -> None:
    text = SAMPLES[2025].read_text(encoding="utf-8")
    assert "<SENSetting>" in text
    source = tmp_path / "guide.xml"
    source.write_text(text.replace("SENSetting", "SENsetting"), encoding="utf-8")
    assert imports.import_return(source, "guide", path).fault_count == 0
    for table in ("plan_detail", "placement_detail"):
        assert [row[1:] for row in held(path, "guide")[table]] == [
            row[1:] for row in held(path, "x")[table]
        ]


def test_a_file_of_the_pilot_is_read_with_a_warning(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unconfirmed = [year for year in xml_structure.years() if not spec.has_confirmed_structure(year)]
    assert unconfirmed == [2022]
    loaded = imports.import_return(HERE / "golden" / "sen2_2022.xml", "pilot", path)
    assert (loaded.year, loaded.fault_count) == (2022, 0)
    assert "no source confirms how the XML of 2022 was nested" in " ".join(
        capsys.readouterr().err.split()
    )


def test_the_command_imports_and_tells_no_value(tmp_path: Path) -> None:
    source = edited(tmp_path, "<Surname>", "<Surname/><Surname>")
    done = sen2(tmp_path, "import", str(source), "--as", "vendor", "--warehouse", "w.duckdb")
    assert done.returncode == 0, done.stderr
    assert "8 people of 2026 as vendor, in w.duckdb" in done.stdout
    assert "1 faults" not in done.stderr
    assert "rules F01 and F02" in done.stderr
    again = sen2(tmp_path, "import", str(source), "--as", "vendor", "--warehouse", "w.duckdb")
    assert again.returncode == 2
    assert "add --replace" in again.stderr
    assert "Traceback" not in again.stderr
    values = {row[1] for row in held(tmp_path / "w.duckdb", "vendor")["person"]}
    assert [value for value in values if value in done.stdout + done.stderr] == []
