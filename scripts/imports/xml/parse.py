"""expat, kept within limits: what could not be read safely is an input error."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from ...ground.errors import InputError
from ..result import LONGEST_NAME, LONGEST_TEXT

BYTES_AT_A_TIME = 1 << 18
HEADER_BYTES = 1 << 20
"""Where the year is looked for: the header is the first thing in a file, and short."""
LONGEST_MARKUP = 1 << 20
"""Most bytes of one tag or comment, which expat holds whole; ours have fewer than a hundred."""
DEEPEST = 50
"""Most elements within each other: the structure has seven."""
SPACE = " \t\r\n"
ERRORS = expat.errors
BROKEN = {
    ERRORS.XML_ERROR_TAG_MISMATCH: "an element is closed that is not the open one",
    ERRORS.XML_ERROR_NO_ELEMENTS: "the file ends before its last element is closed",
    ERRORS.XML_ERROR_UNCLOSED_TOKEN: "the file ends within a tag",
    ERRORS.XML_ERROR_PARTIAL_CHAR: "the file ends within a character",
    ERRORS.XML_ERROR_INVALID_TOKEN: "a character stands where XML does not allow it",
    ERRORS.XML_ERROR_UNDEFINED_ENTITY: "an entity is used that XML does not define",
    ERRORS.XML_ERROR_BAD_CHAR_REF: "a character is referred to that XML does not allow",
    ERRORS.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: "something follows the end of the root element",
    ERRORS.XML_ERROR_DUPLICATE_ATTRIBUTE: "a tag has the same attribute twice",
    ERRORS.XML_ERROR_UNCLOSED_CDATA_SECTION: "the file ends within a CDATA section",
}
NOT_THE_ENCODING = (
    ERRORS.XML_ERROR_UNKNOWN_ENCODING,
    ERRORS.XML_ERROR_INCORRECT_ENCODING,
)
Advance = Callable[[int, int], None]


def header_years(path: Path) -> tuple[str | None, str | None]:
    """The text of Year and of ReferenceDate in the header that a file begins with, if any."""
    peek = _Peek()
    with suppress(_Enough, expat.ExpatError):
        parse(path, peek, most=HEADER_BYTES)
    year, reference_date = ("".join(text).strip(SPACE) or None for text in peek.texts.values())
    return year, reference_date


def root_of(path: Path) -> str | None:
    """The name of the root element; nothing when the file does not begin as XML does."""
    peek = _Peek()
    with suppress(_Enough, expat.ExpatError):
        parse(path, peek, most=HEADER_BYTES)
    return peek.root


# Parsing, safely


class _Enough(Exception):  # noqa: N818
    """What was looked for has been found."""


class Handlers:
    """What is done at a tag and at text; the parser says on which line."""

    parser: Any
    has_begun = False
    """Whether an element has opened."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element opens."""

    def end(self, tag: str) -> None:
        """An element closes."""

    def characters(self, text: str) -> None:
        """Text, or a part of it."""


class _Peek(Handlers):
    """Looks for the year and the reference date in the header."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.path: list[str] = []
        self.texts: dict[str, list[str]] = {"year": [], "referencedate": []}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Where are we?"""
        self.has_begun = True
        self.root = self.root or local_name(tag)[:LONGEST_NAME]
        self.path.append(local_name(tag).lower())
        if len(self.path) > DEEPEST:
            raise _Enough

    def end(self, tag: str) -> None:
        """Was this the last of the two, or of what holds them?"""
        ended = self.path.pop()
        if ended == "collectiondetails" or all(self.texts.values()):
            raise _Enough

    def characters(self, text: str) -> None:
        """Keep the text of the two."""
        if self.path[-2:-1] == ["collectiondetails"] and self.path[-1] in self.texts:
            kept = self.texts[self.path[-1]]
            kept.append(text)
            if sum(map(len, kept)) > LONGEST_TEXT:
                raise _Enough


def parse(
    path: Path,
    handlers: Handlers,
    advance: Advance = lambda done, total: None,
    most: int | None = None,
) -> None:
    """Take a file, or `most` bytes of it, through expat.

    What is not safe, or no file of text, is an input error.
    """
    if not path.is_file():
        known = "is not a file" if path.exists() else "there is no such file"
        raise InputError(f"{path}: {known}. Give a finished SEN2 XML file.")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handlers.start
    parser.EndElementHandler = handlers.end
    parser.CharacterDataHandler = handlers.characters
    handlers.parser = parser

    def refuse_doctype(*_: object) -> NoReturn:
        raise InputError(
            f"{path}, line {parser.CurrentLineNumber}: has a document type declaration, which a"
            " SEN2 file never has and which can make a reader run out of memory or open other"
            " files. It was not read."
        )

    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        total = path.stat().st_size
        if total == 0:
            raise InputError(f"{path}: is empty.")
        done = 0
        with path.open("rb") as file:
            while chunk := file.read(BYTES_AT_A_TIME):
                parser.Parse(chunk, False)
                done += len(chunk)
                if done - max(parser.CurrentByteIndex, 0) > LONGEST_MARKUP + BYTES_AT_A_TIME:
                    raise InputError(
                        f"{path}, line {parser.CurrentLineNumber}: a tag or comment is longer than"
                        f" {LONGEST_MARKUP:,} bytes, so this is no SEN2 file. It was not read."
                    )
                if most and done >= most:
                    return
                advance(done, total)
            parser.Parse(b"", True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except (LookupError, ValueError):  # pyexpat's, of an encoding that Python cannot map
        raise _not_its_encoding(path, 1) from None
    except expat.ExpatError as error:
        text = expat.ErrorString(error.code)
        is_invalid = handlers.has_begun and text == ERRORS.XML_ERROR_INVALID_TOKEN
        if text in NOT_THE_ENCODING or (is_invalid and _is_not_utf8(path, parser.ErrorByteIndex)):
            raise _not_its_encoding(path, error.lineno) from None
        raise


def _not_its_encoding(path: Path, line: int) -> InputError:
    return InputError(
        f"{path}, line {line}: the file is not in the encoding that it says it is in, or in one"
        " that cannot be read. Export it again as UTF-8."
    )


def _is_not_utf8(path: Path, place: int) -> bool:
    """Whether the bytes of a file at a place, where a character begins, are not one of UTF-8."""
    with path.open("rb") as file:
        if file.read(2) in (b"\xfe\xff", b"\xff\xfe"):
            return False
        file.seek(max(place, 0))
        found = file.read(4)
    for length in range(1, len(found) + 1):
        with suppress(UnicodeDecodeError):
            found[:length].decode()
            return False
    return bool(found)


def fault_of(code: int) -> str:
    """What is wrong, in words."""
    text = expat.ErrorString(code) or "unknown"
    return BROKEN.get(text, text)


def local_name(tag: str) -> str:
    """A tag without its namespace's prefix."""
    return tag.rpartition(":")[2]
