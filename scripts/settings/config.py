"""sen2.yml, the authority's settings, and extract.yml, what an extract says of itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
)

from ..ground.errors import InputError
from ..untrusted import parsers
from .kept_files import ANSWERED_FILES, KEPT_TABLES


def _code(value: object) -> object:
    """YAML reads an unquoted LA code as a number; it is text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _name(path: Path) -> Path:
    if not parsers.can_be_a_name(str(path)):
        raise ValueError("is longer than the name of a file or folder can be")
    return path


Name = Annotated[Path, AfterValidator(_name)]
"""A file or folder, as far as a name can be one."""
LaCode = Annotated[str, BeforeValidator(_code), Field(pattern=r"^[0-9]{3}$")]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Header(_Settings):
    """What the header of the submission says of the software and of this submission."""

    software_code: str = "sen2"
    release: str | None = None
    serial_no: int = Field(default=1, ge=1, le=999)


class Officers(_Settings):
    """Designated medical, clinical and social care officer in post; a rule checks the codes.

    `dmo_dco_role` is the form's third answer: whether somebody performs the role of the first two.
    """

    dmo: str | None = None
    dco: str | None = None
    dsco: str | None = None
    dmo_dco_role: str | None = None


class Notify(_Settings):
    """A program of the authority's that is given the night's message on its standard input."""

    command: list[str] = Field(min_length=1)
    when: Literal["always", "changes", "problems"] = "changes"
    form: Literal["text", "json"] = "text"


class Nightly(_Settings):
    """What `sen2 nightly` runs, and what it keeps; paths are taken from the folder of sen2.yml."""

    extract: Name
    mappings: list[Name] = []
    year: int
    warehouse: Name | None = None
    out: Name | None = None
    keep: int = Field(default=7, ge=0, le=1000)
    archive: Name | None = None
    accept_arrival: bool = False
    accept_unconfirmed: bool = False
    notify: Notify | None = None


class Config(_Settings):
    """sen2.yml."""

    la_code: LaCode
    name: str | None = None
    header: Header = Header()
    officers: Officers = Officers()
    period_end: Literal["survey_day", "calendar_year"] = "survey_day"
    withdrawn_assessments: Literal["undated", "dated"] = "undated"
    extracted_on: date | None = None
    identify_people: bool = False
    notes: Name | None = None
    overrides: Name | None = None
    people_matched: Name | None = None
    form_local_rules: Name | None = None
    answers: Name | None = None
    workbooks_from: Name | None = None
    likely_causes: bool = False
    workbooks: Literal["one", "by_worker"] = "one"
    sources: list[str] = []
    published: Name | None = None
    published_release: int | None = None
    small_numbers: int = Field(default=5, ge=0, le=100)
    similar: Literal["neighbours", "region"] | list[LaCode] = "neighbours"
    encrypt: bool = False
    nightly: Nightly | None = None
    _folder: Path | None = PrivateAttr(None)

    def kept_in(self, name: str) -> Path:
        """Where one of the authority's own files is: as named, else beside sen2.yml."""
        named: Path | None = getattr(self, name)
        return named or (self._folder or Path()) / f"{name}.csv"

    def has_kept(self, name: str) -> bool:
        """Whether there is such a file: it is named, or answers were kept beside sen2.yml."""
        is_beside = self._folder and name in ANSWERED_FILES and self.kept_in(name).is_file()
        return getattr(self, name) is not None or bool(is_beside)


class ExtractNote(_Settings):
    """extract.yml: whose extract this is and the day it was taken, both optional."""

    la_code: LaCode | None = None
    extracted_on: date | None = None


Model = TypeVar("Model", bound=BaseModel)


def _read(path: Path, model: type[Model]) -> Model:
    """A YAML file as a checked model; every fault becomes one sentence that names the key."""
    try:
        content = parsers.read_yaml(path, parsers.Typed)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {_plain(fault['type'], fault['msg'])}"
            for fault in error.errors()
        )
        raise InputError(f"{path}: {faults}.") from None


def _plain(kind: str, message: str) -> str:
    return {
        "path_type": "must be the name of a file or folder",
        "extra_forbidden": "is not a setting (docs/settings.md lists them)",
        "missing": "is missing",
        "string_type": "must be text: put it in quotes",
        "string_pattern_mismatch": 'must be a three-digit LA code in quotes, such as "330"',
        "value_error": message.removeprefix("Value error, "),
    }.get(kind, message[0].lower() + message[1:])


def read_config(path: Path) -> Config:
    """The authority's settings; a missing file is an input error that says how to begin.

    The files it names are taken from its own folder.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file. Give --config FILE, or copy the shipped sen2.yml"
            " and put your authority's code and officers in it."
        )
    config = _read(path, Config)
    beside = _beside(path.parent, config, (*KEPT_TABLES, "published", "workbooks_from"))
    if config.nightly:
        names = ("extract", "warehouse", "out", "archive")
        mappings = [
            path.parent / file if (path.parent / file).exists() else file  # or a shipped one's name
            for file in config.nightly.mappings
        ]
        beside["nightly"] = config.nightly.model_copy(
            update={**_beside(path.parent, config.nightly, names), "mappings": mappings}
        )
    settings = config.model_copy(update=beside)
    settings._folder = path.parent
    return settings


def _beside(folder: Path, settings: _Settings, names: Iterable[str]) -> dict[str, Any]:
    """The paths of these settings, taken from a folder."""
    return {name: folder / file for name in names if (file := getattr(settings, name)) is not None}


def read_extract_note(folder: Path) -> ExtractNote:
    """What extract.yml beside the tables says; nothing when there is none."""
    path = folder / "extract.yml"
    return _read(path, ExtractNote) if path.exists() else ExtractNote()


@dataclass(frozen=True)
class Job:
    """What every stage needs to know: the year, the settings, the warehouse, where to write.

    `becomes` is the folder that the files of `out` move to in the end, where that is another.
    """

    year: int
    config: Config
    warehouse: Path
    out: Path
    becomes: Path | None = None

    @property
    def folders(self) -> list[Path]:
        """Every folder in which a run of these settings puts files."""
        night = self.config.nightly
        named = (
            (night.out, night.archive, night.warehouse and night.warehouse.parent) if night else ()
        )
        return [self.warehouse.parent, self.out, *filter(None, named)]

    def shown(self, path: Path) -> Path:
        """A path in `out` as a person will find it."""
        return (self.becomes or self.out) / path.relative_to(self.out)
