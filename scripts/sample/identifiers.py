"""Unique identifiers with right check characters, and postcodes of places that do not exist."""

import numpy as np
import numpy.typing as npt

from .days import Days, Flags, Ints, Random, year_of

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def check_letters(digits: Ints) -> Ints:
    """The check letter of UPNs (its place in the alphabet) from their last twelve characters."""
    weights = np.arange(2, 14)
    return (digits @ weights) % len(UPN_LETTERS)


def digits_of(numbers: Ints, length: int) -> Ints:
    """The decimal digits of numbers, one column each."""
    return (numbers[:, None] // 10 ** np.arange(length - 1, -1, -1)) % 10


def text_of(characters: Ints) -> npt.NDArray[np.bytes_]:
    """Rows of character codes as text."""
    rows = np.ascontiguousarray(characters.astype(np.uint8))
    return rows.view(f"S{rows.shape[1]}").ravel()


def make_upns(
    rng: Random, births: Days, authorities: npt.NDArray[np.str_], temporary: Flags
) -> npt.NDArray[np.bytes_]:
    """Unique UPNs with right check letters: authority, school, year of entry, serial."""
    size = len(births)
    serial = rng.permutation(size)
    school, within = 2000 + serial // 1000, serial % 1000
    numbers = authorities.astype(np.int64) * 10**4 + school % 10**4
    numbers = (numbers * 100 + (year_of(births) + 4) % 100) * 1000 + within
    digits = digits_of(numbers, 12)
    letters = np.frombuffer(UPN_LETTERS.encode(), dtype=np.uint8)
    characters = digits + ord("0")
    characters[temporary, -1] = letters[digits[temporary, -1]]
    check = letters[check_letters(digits)]
    return text_of(np.column_stack([check, characters]))


def make_ulns(rng: Random, size: int) -> npt.NDArray[np.bytes_]:
    """Unique ULNs with right check digits."""
    step = 8_999_999 * 100 // (size + size // 5 + 10)
    numbers = 10**8 + np.arange(size + size // 5 + 10, dtype=np.int64) * step
    remainder = (digits_of(numbers, 9) @ np.arange(10, 1, -1)) % 11
    usable = np.flatnonzero(remainder)[:size]
    whole = numbers[usable] * 10 + 10 - remainder[usable]
    return text_of(digits_of(whole[rng.permutation(size)], 10) + ord("0"))


def make_postcodes(rng: Random, size: int) -> npt.NDArray[np.bytes_]:
    """Postcodes of valid form in areas that do not exist."""
    areas = np.array([[ord(c) for c in area] for area in ("ZY", "ZX", "ZV")])
    units = np.frombuffer(b"ABDEFGHJLNPQRSTUWXYZ", dtype=np.uint8)
    rows = np.empty((size, 7), dtype=np.uint8)
    rows[:, :2] = areas[rng.integers(0, len(areas), size)]
    rows[:, 2] = ord("1") + rng.integers(0, 9, size)
    rows[:, 3] = ord(" ")
    rows[:, 4] = ord("0") + rng.integers(0, 10, size)
    rows[:, 5:] = units[rng.integers(0, len(units), (size, 2))]
    return text_of(rows)


def without(values: npt.NDArray[np.bytes_], blank: Flags) -> npt.NDArray[np.bytes_]:
    """The values, blank where asked."""
    return np.where(blank, b"", values)
