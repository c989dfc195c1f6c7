"""DfE's numbers of the rules: those known here, and which rule a message of DfE's may be."""

import csv
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .. import spec
from ..ground import spreadsheet
from ..ground.errors import InputError

LOCAL = spec.SEEDS.parent / "local" / "dfe_numbers.csv"
"""The numbers an authority has confirmed: DfE's workbook may not be shipped."""
COLUMNS = ("dfe_number", "rule_id", "dfe_message", "confirmed_by")

NUMBER = re.compile(r"(?:[A-Za-z][A-Za-z ]*[ :#_-]\s*)?(\d{1,5}[A-Za-z]?)")
WORD = re.compile(r"[a-z]{3,}|\d+")
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
LIKELY = 0.2
"""Below this a likeness of two messages means nothing."""
ITEM_WEIGHT = 2.0
NO_MATCH = "no rule of ours is like it"


@dataclass(frozen=True)
class Match:
    """A rule of ours that a message may be about: how like it is, from 0 to 1, and why."""

    rule_id: str
    score: float
    reason: str


def number_of(text: str) -> str:
    """A rule's number as it is compared, without words or zeros before it; else nothing."""
    found = NUMBER.fullmatch(text.strip().removesuffix(".0"))
    return found[1].upper().lstrip("0") if found else ""


def order(number: str) -> tuple[int, str]:
    """Numbers in the order of their digits."""
    return int("".join(filter(str.isdecimal, number)) or 0), number


def known(local: Path = LOCAL) -> dict[str, set[str]]:
    """DfE's numbers to our rules, from the catalogue and from what the authority has confirmed."""
    pairs = [
        (number, row["rule_id"])
        for row in spec.seed("rules")
        for number in row["dfe_number"].split(";")
    ]
    pairs += [(row["dfe_number"], row["rule_id"]) for row in read_local(local)]
    numbers: dict[str, set[str]] = {}
    for number, rule_id in pairs:
        if number_of(number):
            numbers.setdefault(number_of(number), set()).add(rule_id)
    return numbers


def read_local(path: Path, columns: tuple[str, ...] = COLUMNS) -> list[spec.Row]:
    """The rows of the authority's numbers, or another file of its own; none without the file."""
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            rows = [
                {name: spreadsheet.unguarded(line.get(name) or "") for name in columns}
                for line in reader
            ]
            headings = reader.fieldnames or []
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: is not a CSV file of UTF-8 text. Save it as one.") from None
    if missing := [name for name in columns if name not in headings]:
        raise InputError(
            f"{path}, row 1: has no column {', '.join(missing)}. Give its header as"
            f" {','.join(columns)}."
        )
    return rows


def likely_rules(message: str, severity: str, items: str, year: int, most: int = 3) -> list[Match]:
    """The rules in force that a message of DfE's is most like, likeliest first.

    Compared are the words, those few rules have counting more, and the items that both name. Equal
    likeness goes to the rule of the same severity, then the earlier id.
    """
    weights, rules = _catalogue(year)
    theirs = _words(f"{message} {items}")
    length = _length(theirs, weights)  # words that no rule of ours has count most of all
    matches = []
    for rule_id, (words, kind) in rules.items():
        shared = theirs.keys() & words.keys()
        product = sum(weights[word] ** 2 for word in shared if word in weights)
        lengths = length * _length(words, weights)
        score = product / lengths if lengths else 0.0
        if score >= LIKELY:
            differs = bool(severity) and ("quer" in severity.lower()) != (kind == "query")
            matches.append((-round(score, 3), differs, rule_id, _reason(shared, weights, differs)))
    return [Match(rule, -score, why) for score, _, rule, why in sorted(matches)[:most]]


def _reason(shared: set[str], weights: dict[str, float], differs: bool) -> str:
    """What two messages share, the rarest first."""
    ordered = sorted(shared, key=lambda word: (-weights.get(word, 0), word))
    items = [word.removeprefix("item:") for word in ordered if word.startswith("item:")]
    words = [word for word in ordered if not word.startswith("item:")][:6]
    parts = [f"both name {', '.join(items)}"] * bool(items) + [f"words: {', '.join(words)}"]
    return "; ".join(parts + ["one is a query, the other is not"] * differs)


def _length(words: Counter[str], weights: dict[str, float]) -> float:
    rarest = max(weights.values(), default=0.0)
    return math.sqrt(sum(weights.get(word, rarest) ** 2 for word in words))


@cache
def _catalogue(year: int) -> tuple[dict[str, float], dict[str, tuple[Counter[str], str]]]:
    """The weight of each word, by how few rules have it; each rule's words and severity."""
    rules = {
        row["rule_id"]: (
            _words(f"{row['message']} {row['fix']} {row['items'].replace(';', ' ')}"),
            row["severity"],
        )
        for row in spec.in_force("rules", year)
    }
    counts = Counter(word for words, _ in rules.values() for word in words)
    weights = {
        word: math.log(1 + len(rules) / count) * (ITEM_WEIGHT if word.startswith("item:") else 1)
        for word, count in counts.items()
    }
    return weights, rules


@cache
def _items() -> dict[str, tuple[str, str]]:
    """How an item may be named, lower case without spaces, to its tag and its name in words."""
    found: dict[str, tuple[str, str]] = {}
    for row in spec.seed("items"):
        for name in (row["xml_tag"], row["name"].split(" - ")[0].split(" (")[0]):
            found.setdefault(re.sub(r"\W", "", name).lower(), (row["xml_tag"], row["name"]))
    return found


def _words(text: str) -> Counter[str]:
    """The words of a text, plurals as singulars, and the items that it names as `item:<tag>`."""
    tokens = re.findall(r"\w+", text)
    names = _items()
    found: Counter[str] = Counter()
    spelled = [text]
    for size in (1, 2, 3):
        for start in range(len(tokens) - size + 1):
            name = names.get("".join(tokens[start : start + size]).lower())
            if name:
                found[f"item:{name[0]}"] += 1
                spelled.append(name[1])
    for word in WORD.findall(HUMP.sub(" ", " ".join(spelled)).lower()):
        found[word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word] += 1
    return found
