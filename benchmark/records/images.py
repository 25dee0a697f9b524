"""Thumbnails in a results folder: of each test set the images that any of its cells retrieved.

images/<digest of the pixels>/<digest of the file>.npz: each file holds images that none had when it
was written, and is never changed. So runs need no lock, and folders are merged by copying.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.records.artifacts import UNREADABLE, Arrays
from crossres.datasets.base.errors import reason
from crossres.datasets.base.files import digest_of, write_atomically

IMAGES = "images"
MOST_BYTES = 1 << 16  # of one thumbnail: what is larger is none
_ARRAYS = {"numbers": "i", "names": "U", "content": "u", "ends": "i"}

_NONE = np.empty(0, np.int32)


@dataclass(frozen=True)
class Thumbnail:
    """A small image, a WebP file, and its path in the raw folder."""

    name: str
    content: bytes


def images_path(results: Path, pixels: str) -> Path:
    """Return the folder of the thumbnails of a test set, by the digest of its pixels."""
    return results / IMAGES / pixels


class ImageFolder:
    """The thumbnails of a results folder; `problems`: a line for each file that is not usable."""

    def __init__(self, results: Path) -> None:
        self._results = results
        self._problems: dict[str, None] = {}
        self._numbers: dict[Path, NDArray[np.int32]] = {}
        self._thumbnails: dict[Path, dict[int, Thumbnail]] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with files that were asked for so far, each once."""
        return tuple(self._problems)

    def numbers(self, pixels: str) -> NDArray[np.int32]:
        """Return the numbers of the images that are there now, ascending."""
        paths = self._paths(pixels)
        for path in paths:
            if path not in self._numbers:
                arrays = self._read(path)
                self._numbers[path] = _NONE if arrays is None else arrays["numbers"]
        return np.unique(np.concatenate([_NONE, *(self._numbers[path] for path in paths)]))

    def add(self, pixels: str, arrays: Arrays) -> None:
        """Write those thumbnails (`thumbnails_of`) that are not there yet."""
        new = ~np.isin(arrays["numbers"], self.numbers(pixels))
        if not new.any():
            return
        sizes = np.diff(arrays["ends"], prepend=0)
        kept = {name: arrays[name][new] for name in ("numbers", "names")}
        kept |= {"content": arrays["content"][np.repeat(new, sizes)], "ends": sizes[new].cumsum()}
        buffer = io.BytesIO()
        np.savez(buffer, **kept)  # type: ignore[arg-type]
        content = buffer.getvalue()
        path = images_path(self._results, pixels) / f"{digest_of(content)[:20]}.npz"
        write_atomically(path, content)
        self._numbers[path] = kept["numbers"]

    def read(self, pixels: str) -> dict[int, Thumbnail]:
        """Return the thumbnails of a test set by their numbers; none where there are no files."""
        thumbnails: dict[int, Thumbnail] = {}
        for path in self._paths(pixels):
            if path not in self._thumbnails:
                arrays = self._read(path)
                self._thumbnails[path] = {} if arrays is None else _thumbnails_in(arrays)
            for number, thumbnail in self._thumbnails[path].items():
                thumbnails.setdefault(number, thumbnail)
        return thumbnails

    def _paths(self, pixels: str) -> list[Path]:
        return sorted(images_path(self._results, pixels).glob("[!.]*.npz"))

    def _read(self, path: Path) -> Arrays | None:
        try:
            return _arrays(path.read_bytes())
        except (*UNREADABLE, KeyError) as error:
            text = reason(error) if isinstance(error, OSError) else "it is damaged"
            self._problems[f"{path}: not readable thumbnails ({text}); delete it"] = None
            return None


def _thumbnails_in(arrays: Arrays) -> dict[int, Thumbnail]:
    content, ends = arrays["content"].tobytes(), arrays["ends"].tolist()
    thumbnails: dict[int, Thumbnail] = {}
    for number, name, start, end in zip(
        arrays["numbers"].tolist(), arrays["names"].tolist(), [0, *ends[:-1]], ends, strict=True
    ):
        thumbnails.setdefault(number, Thumbnail(name, content[start:end]))
    return thumbnails


def images_fault(content: bytes) -> str:
    """Say what is wrong with the bytes of a file of thumbnails; "" for nothing."""
    try:
        _arrays(content)
    except (*UNREADABLE, KeyError):
        return "not readable thumbnails (it is damaged); delete it"
    return ""


def _arrays(content: bytes) -> Arrays:
    """Read what `ImageFolder.add` writes; one of UNREADABLE, or KeyError, for anything else."""
    with np.load(io.BytesIO(content), allow_pickle=False) as opened:
        arrays = {name: opened[name] for name in _ARRAYS}
    count = len(arrays["numbers"])
    sizes = np.diff(arrays["ends"], prepend=0)
    if (
        any(arrays[name].dtype.kind != kind for name, kind in _ARRAYS.items())
        or any(arrays[name].shape != (count,) for name in _ARRAYS if name != "content")
        or arrays["content"].shape != (sizes.sum(),)
        or arrays["content"].dtype != np.uint8
        or not ((sizes > 0) & (sizes < MOST_BYTES)).all()
    ):
        raise ValueError
    return arrays
