"""Days as people in England write them."""

import re
from datetime import date

MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
NUMBERS = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})")
WORDS = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([a-z]{3,9})\.?,?[ -](\d{4}|\d{2})")
IN_TEXT = re.compile(
    rf"\d{{4}}-\d{{1,2}}-\d{{1,2}}|{NUMBERS.pattern}|{WORDS.pattern}".replace("[a-z]", "[A-Za-z]")
)
"""A day somewhere in a text."""
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?")


def iso_day(text: str) -> str | None:
    """A day as year-month-day: of 31/01/2026, 31.1.26, 31 January 2026 or 2026-01-31; else None.

    The day comes before the month. Of a year of two digits, up to 69 is in this century.
    """
    text = text.strip().casefold()
    if match := ISO.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := NUMBERS.fullmatch(text):
        day, month = int(match[1]), int(match[2])
        year = _year(match[3])
    elif (match := WORDS.fullmatch(text)) and match[2][:3] in MONTHS:
        day, month, year = int(match[1]), MONTHS[match[2][:3]], _year(match[3])
    else:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def agreement(text: str) -> tuple[str, str]:
    """Who agreed and the day of it, of "Helpdesk, 31/01/2026"; each blank where it is not there."""
    for found in IN_TEXT.finditer(text):
        if day := iso_day(found[0]):
            rest = text[: found.start()] + " " + text[found.end() :]
            words = re.sub(
                r"(\b(on|am|by|agreed( with| by)?)\b|[\s,;.()-])+$", "", rest.strip(), flags=re.I
            )
            return " ".join(words.strip(" ,;.()-").split()), day
    return "", ""


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 70 else 1900)
