"""The sizes of the twins (sizes.toml), and TWIN_VERSION, which names what they look like."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from crossres.datasets.base.arguments import as_text
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import unknown
from crossres.datasets.cards import card

TWIN_VERSION = 2
"""Goes up with every change of a byte of any twin: it is part of the source of every record."""


@dataclass(frozen=True)
class Size:
    """One entry of sizes.toml; `counts` are the numbers that only the data set's layout knows.

    `tilt` is that of the cameras over vehicles, as in `View`. `seed` numbers the twins of a data
    set: other people before other cameras, under the same file names.
    """

    dataset: str
    width: int
    height: int
    cast: float
    nuisance: float
    counts: Mapping[str, Any]
    tilt: int = 0
    seed: int = 0

    @property
    def population(self) -> str:
        """The name by whose hash all is drawn that may be seen in images."""
        return f"{self.dataset}#{self.seed}" if self.seed else self.dataset

    def count(self, name: str) -> int:
        return int(self.counts[name])

    def counted(self, name: str) -> tuple[int, ...]:
        return tuple(int(value) for value in self.counts[name])


def _load() -> dict[str, dict[str, Size]]:
    text = files("crossres.datasets.twins").joinpath("sizes.toml").read_text(encoding="utf-8")
    return {
        name: {dataset: _size(dataset, entry) for dataset, entry in entries.items()}
        for name, entries in tomllib.loads(text).items()
    }


def _size(dataset: str, entry: dict[str, Any]) -> Size:
    looks = {"width", "height", "cast", "nuisance", "tilt"}
    return Size(
        dataset=dataset,
        width=entry["width"],
        height=entry["height"],
        cast=entry["cast"],
        nuisance=entry["nuisance"],
        tilt=entry.get("tilt", 0),
        counts={name: value for name, value in entry.items() if name not in looks},
    )


SIZES: dict[str, dict[str, Size]] = _load()
"""size -> data set -> Size."""


def size_of(dataset: str, size: str) -> Size:
    """Return the entry of a data set; InputError lists what is known when it is not there."""
    card(dataset)
    if as_text(size, "twin size") not in SIZES:
        raise unknown("twin size", size, SIZES)
    if dataset not in SIZES[size]:
        listed = ", ".join(SIZES[size])
        raise InputError(f"{dataset} has no twin of size {size!r}; it exists for {listed}")
    return SIZES[size][dataset]
