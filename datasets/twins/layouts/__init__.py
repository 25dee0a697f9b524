"""Layouts, one module per raw layout: which images a twin has, and how its folder is written."""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.arguments import as_text
from crossres.datasets.base.errors import InputError
from crossres.datasets.cards import card
from crossres.datasets.readers import RawImage
from crossres.datasets.twins.drawing.optics import View
from crossres.datasets.twins.sizes import Size

Names = tuple[str | int, ...]


@dataclass(frozen=True)
class Shot:
    """One image to draw: what a reader should say of it, who and what is on it.

    `subject` names the person, `drawn_as` (unique but for exact duplicates) the pose and nuisances.
    `also` are further images that the layout cuts from the same picture (CUHK03's labeled boxes).
    """

    image: RawImage
    subject: Names
    view: View
    drawn_as: str
    also: tuple[RawImage, ...] = ()


Pictures = Iterable[tuple[Shot, NDArray[np.uint8]]]


class TwinLayout(Protocol):
    """What every layout module offers."""

    def plan(self, size: Size) -> list[Shot]:
        """Return every image of the twin, in the order in which they are drawn."""

    def write(self, raw: Path, size: Size, pictures: Pictures) -> None:
        """Write the pictures and all that lies beside them into the empty folder `raw`."""


OTHERS: Mapping[str, Mapping[str, str]] = {
    "mlr-cuhk03": {"cuhk03-np": "cuhk03-np"},
    "mlr-msmt17": {"msmt17-v2": "MSMT17_V2"},
    "mlr-sysu": {"sysu-nested": "SYSU", "sysu-table": "SYSU", "sysu-mm01": "SYSU-MM01"},
}
"""data set -> name of a further layout -> its raw folder (`sysu-mm01` is one to be refused)."""


def layout(name: str) -> TwinLayout:
    """Return the layout module of this name: that of a reader, or a further one with _ for -."""
    module = name.replace("-", "_")
    return cast(TwinLayout, importlib.import_module(f"crossres.datasets.twins.layouts.{module}"))


def layout_of(dataset: str, name: str | None) -> tuple[TwinLayout, str]:
    """Return the layout of a data set and its raw folder; `name` None is that of the card.

    Raises InputError listing the further layouts of the data set when `name` is none of them.
    """
    dataset_card = card(dataset)
    if name is None:
        return layout(dataset_card.reader), dataset_card.folder
    layouts = OTHERS.get(dataset, {})
    if as_text(name, "layout") not in layouts:
        listed = ", ".join(layouts) or "none but the usual one"
        raise InputError(f"{dataset} has no layout {name!r}; further layouts: {listed}")
    return layout(name), layouts[name]
