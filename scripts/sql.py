"""Text from outside as it may stand in SQL: the only two ways."""


def quoted(identifier: str) -> str:
    """An identifier, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str | int | dict[str, str]) -> str:
    """A text, a number, a boolean, or a struct of texts."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case dict():
            pairs = (f"{literal(key)}: {literal(each)}" for key, each in value.items())
            return "{" + ", ".join(pairs) + "}"
        case _:
            return "'" + value.replace("'", "''") + "'"
