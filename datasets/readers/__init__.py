"""Readers, one module per raw layout: a raw folder in, every image with its pid and camid out.

Nothing here is random, depends on the order of a folder, or decodes pixels before it is asked to.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.cards import Layout


@dataclass(frozen=True)
class RawImage:
    """One image of a raw folder.

    `path` is relative to the raw folder, with "/" between its parts, and unique. `part` is "train",
    "query" or "gallery" where the raw set has official parts ("test" where it leaves open which
    test images are queries), else "". `pid` -1 marks junk and, in sets with official parts, `pid` 0
    marks distractors. `camid` -1 is an unknown camera. `boxes` names the way in which the image was
    cut out where a set offers several ("detected", "labeled"), else "". `alias` is the path of the
    same image in another edition of the set, by whose name it is drawn in both, else "".
    """

    path: str
    pid: int
    camid: int
    part: str = ""
    boxes: str = ""
    alias: str = ""

    @property
    def key(self) -> str:
        """Return the name of the image in draws: its path, or its alias, without the suffix."""
        path = self.alias or self.path
        stem, dot, suffix = path.rpartition(".")
        return stem if dot and "/" not in suffix else path


@dataclass(frozen=True)
class Names:
    """What the identities and cameras of a user's own set are called, by pid and by camid.

    Empty where their names are these numbers already.
    """

    pids: Mapping[int, str] = field(default_factory=dict)
    camids: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RawContent:
    """What a reader knows of a raw folder from names, lists and image headers alone.

    `lr_camera`: the natively LR camera (CAVIAR). `native_lr`: the paths of natively LR images where
    these are no matter of the camera (VRIC). `test_sets`: shipped lists of test pids, by name, in
    their order (CUHK03 "1" to "20", VRU "1200", "2400", "8000"). Of users' own sets alone:
    `lr_cameras`, the camids of the layout's `lr_cameras`; `rates`, given ones by path; `names`.
    """

    images: tuple[RawImage, ...]
    lr_camera: int | None = None
    native_lr: frozenset[str] = frozenset()
    test_sets: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lr_cameras: tuple[int, ...] = ()
    rates: Mapping[str, int] = field(default_factory=dict)
    names: Names = field(default_factory=Names)


class Reader(Protocol):
    """What every reader module offers."""

    def find(self, root: Path) -> Path | None:
        """Find the raw folder at, above or below `root`; None when it is not there."""

    def read(self, folder: Path) -> RawContent:
        """Return all images; InputError names a file outside the grammar of the layout."""

    def open_image(self, folder: Path, path: str) -> NDArray[np.uint8]:
        """Return pixels (H, W, 3) uint8 RGB; InputError names a file that is no whole image."""

    def source_file(self, folder: Path, path: str) -> Path:
        """Return the file on disk that holds the image (several images may share one)."""


class OwnReader(Protocol):
    """What the reader of users' own sets offers in place of `Reader.read`."""

    def read(self, folder: Path, layout: Layout) -> RawContent:
        """Return all images; InputError names the definition, or a file, and what helps."""


def reader(layout: str) -> Reader:
    """Return the reader module of a layout: the name of one of the modules beside this."""
    return cast(Reader, importlib.import_module(f"crossres.datasets.readers.{layout}"))
