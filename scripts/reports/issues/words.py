"""The words of the lines: answers, states, and the marks by which a line is known again."""

import hashlib
from datetime import date

WORKBOOK, CSV = "issues.xlsx", "issues.csv"
NO_TEAM = "No team"
LONGEST_LIST = 550
"""Most characters of allowed values beside an issue, for its first item; Codes has longer ones."""
LONGEST_OTHER_LIST = 240
"""The same for the rule's other items, which are less often what is wrong."""
MOST_ITEM_NAMES = 4
"""Most items beside an issue by name; more are given by their tags alone."""
LONGEST_LABEL = 60
"""Most characters of a code's meaning beside its value; a longer one is on the sheet Codes."""
MANY_FROM = 2
"""A group of at least so many queries is worth one answer."""
MOST_KINDS = 8
"""A rule with up to this many kinds of value has a group for each on the sheet of groups."""

RIGHT, CORRECTED, VALUE, AGREED, NOT_OURS = ANSWERS = (
    "Right as it is",
    "Corrected in the case system",
    "Use this value",
    "Agreed with DfE",
    "Not our team",
)
NEW, STILL_THERE, WAITING, MOVED = "New", "Still there", "Not in an extract yet", "Moved here"
LAST_YEAR, AGAIN, ANSWERED = "Last year's answer", "Look again", "Answered"

TOKEN_LENGTH, SHORT_TOKEN = 8, 3
"""Letters of the mark of a value; of a name only so many that the mark does not tell it."""
LONGEST_MARKED = 900
"""Characters of an answer that its mark goes by: a cell of the workbook holds as many."""

HIDDEN = {"hidden": "(a name, not shown here)", "hidden_day": "(a date of birth, not shown here)"}


def mark_of(words: str) -> str:
    """The mark by which a value is known again, as the SQL macro of that name makes it."""
    digits = str.maketrans("0123456789", "ghijklmnop")
    return hashlib.md5(words.encode(), usedforsecurity=False).hexdigest().translate(digits)


def answer_mark(answer: str, reason: str, initials: str) -> str:
    """The mark of an answer, by which a changed one is known; blank for none."""
    if not (answer or reason or initials):
        return ""
    parts = (" ".join(part.split())[:LONGEST_MARKED] for part in (answer, reason, initials))
    return mark_of("|".join(parts))[:TOKEN_LENGTH]


def day_in_words(day: date) -> str:
    """A day as people in England write it: 21 January 2026."""
    return f"{day.day} {day:%B %Y}"
