"""Layouts, one module per raw layout: which images a twin has, and how its folder is written."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from datasets.readers import RawImage
from datasets.twins.pedestrians import View
from datasets.twins.sizes import Size

Names = tuple[str | int, ...]


@dataclass(frozen=True)
class Shot:
    """One image to draw: what a reader should say of it, who and what is on it.

    `who` names the person, `drawn_as` (unique but for exact duplicates) the pose and nuisances.
    """

    image: RawImage
    who: Names
    view: View
    drawn_as: str


Pictures = Iterable[tuple[Shot, NDArray[np.uint8]]]


class Layout(Protocol):
    """What every layout module offers."""

    def plan(self, size: Size) -> list[Shot]:
        """Every image of the twin, in the order in which they are drawn."""

    def write(self, raw: Path, size: Size, pictures: Pictures) -> None:
        """Write the pictures and all that lies beside them into the empty folder `raw`."""


def layout(name: str) -> Layout:
    """The layout module of this name: caviar, viper, cuhk03, market, sysu or pku."""
    return cast(Layout, importlib.import_module(f"datasets.twins.layouts.{name}"))
