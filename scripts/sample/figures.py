"""The shares that the sample follows, most of them from DfE's published tables; drawing by them."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .days import Flags, Ints, Random

FIGURES = Path(__file__).with_name("figures.csv")


class Figures:
    """The shares of figures.csv, by group and category."""

    def __init__(self, *more: Path) -> None:
        """Read the files, later ones over earlier; values stay text until wanted as numbers."""
        self._groups: dict[str, dict[str, str]] = {}
        for path in (FIGURES, *more):
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    self._groups.setdefault(row["group"], {})[row["category"]] = row["value"]

    def text(self, group: str) -> dict[str, str]:
        """The categories of a group with their values as text; none when there is no group."""
        return self._groups.get(group, {})

    def one(self, group: str, category: str) -> float:
        """One figure."""
        return float(self._groups[group][category])

    def weights(self, group: str, categories: Iterable[Any]) -> npt.NDArray[np.float64]:
        """The figures of the categories, in their order; 0 where there is none."""
        known = self.text(group)
        return np.array([float(known.get(str(category), 0)) for category in categories])

    def labels(self, group: str) -> list[str]:
        """The categories of a group."""
        return list(self._groups[group])

    def groups(self, prefix: str) -> list[str]:
        """The groups whose name begins so, in the file's order."""
        return [group for group in self._groups if group.startswith(prefix)]

    def draw(self, rng: Random, group: str, size: int) -> Ints:
        """A category of the group (its place in `labels`) for each of `size`."""
        return pick(rng, self.weights(group, self.labels(group)), size)

    def draw_days(self, rng: Random, group: str, size: int) -> Ints:
        """A number of days from a group whose categories are ranges such as 15-28."""
        edges = np.array([label.split("-") for label in self.labels(group)], dtype=np.int64)
        chosen = edges[self.draw(rng, group, size)]
        return chosen[:, 0] + (rng.random(size) * (chosen[:, 1] - chosen[:, 0] + 1)).astype(int)

    def draw_ages(self, rng: Random, group: str, size: int) -> Ints:
        """A whole age in years."""
        return np.array(self.labels(group), dtype=np.int64)[self.draw(rng, group, size)]


def pick(rng: Random, weights: npt.NDArray[np.float64], size: int) -> Ints:
    """An index for each of `size`, as likely as its weight."""
    edges = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(edges[:-1], rng.random(size), side="right")


def fit(seed: npt.NDArray[np.float64], *margins: tuple[tuple[int, ...], Any]) -> Any:
    """Scale a table until its sums over the other axes are the margins (proportional fitting)."""
    table, total = seed.astype(float), margins[0][1].sum()
    for _ in range(200):
        for axes, margin in margins:
            others = tuple(axis for axis in range(table.ndim) if axis not in axes)
            sums = table.sum(axis=others, keepdims=True)
            target = (margin * total / margin.sum()).reshape(sums.shape)
            table = table * np.divide(target, sums, out=np.zeros_like(sums), where=sums > 0)
    return table


class Bands:
    """The age bands: the categories of need_at_age, such as 5-10."""

    def __init__(self, figures: Figures) -> None:
        """Read the bands from the figures."""
        prefix = "need_at_age:"
        self.names = [group.removeprefix(prefix) for group in figures.groups(prefix)]
        self.tops = np.array([int(name.split("-")[1]) for name in self.names])

    def of(self, ages: Ints) -> Ints:
        """The band of each age; the last band has no top."""
        return np.searchsorted(self.tops[:-1], ages)


def draw_by_band(rng: Random, bands: Bands, band: Ints, figures: Figures, group: str) -> Flags:
    """True as often as the figure of each one's age band says."""
    hits: Flags = rng.random(len(band)) < figures.weights(group, bands.names)[band]
    return hits
