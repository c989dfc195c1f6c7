"""What can go wrong, by whose fault: each error carries the exit code it ends with."""

OK, RED, INPUT, DEFECT = 0, 1, 2, 3
"""How the command ends: written, errors in the return, wrong input, an internal error."""
LONGEST = 2_000
"""Characters of a message: names in a file may be of any length."""


def printable(text: str) -> str:
    """A text on one line without what could steer a terminal: such characters become spaces.

    They are the control characters, escapes among them, line breaks, and marks that turn the
    direction of writing.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)


class Sen2Error(Exception):
    """An ending with a message for a person; `exit_code` says whose fault it is.

    The message is one paragraph, whatever stands in the names that it quotes: no line breaks, and
    nothing that would steer a terminal.
    """

    exit_code = DEFECT

    def __str__(self) -> str:
        """The message as it is shown."""
        text = super().__str__()
        words = " ".join(printable(text[: LONGEST + 1]).split())
        return words if len(text) <= LONGEST else f"{words[:LONGEST]} …"


class InputError(Sen2Error):
    """The extract or the configuration is wrong: names the file, the row, the column, the remedy.

    The message never holds a value from a person's record.
    """

    exit_code = INPUT


class DiskFullError(Sen2Error):
    """There was no room to write to, or a limit on the size of files was reached."""

    exit_code = INPUT

    WORDS = (
        "No space left on device",
        "File too large",
        "Disk quota exceeded",
        "not enough space on the disk",
    )
    """How the operating systems say so, in the messages of the programs that we start."""


class DefectError(Sen2Error):
    """A step of ours failed: a model, a test of ours, or a gate that could not be evaluated."""

    exit_code = DEFECT
