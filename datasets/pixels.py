"""The pixel store: every image of a manifest decoded once, at its rate, at the network's size.

One memory-mapped array and one JSON file beside it, made whole, named and checked by digests.
"""

import hashlib
import json
import logging
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from datasets.cards import card
from datasets.errors import InputError
from datasets.files import digest_of, replace_folder
from datasets.manifest import SPLITS, Manifest
from datasets.readers import reader
from datasets.resample import KERNEL_VERSIONS, downsample, resample
from datasets.source import Raw

STORE_VERSION = 1
VARIANT_RATES = (2, 3, 4)
_PIXELS, _ABOUT = "pixels.npy", "store.json"
_CHUNK = 256  # images decoded at a time: bounds memory, and makes groups of one size worthwhile
_SHA_BYTES = 1 << 24

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PixelStore:
    """The pixels of one manifest at one size.

    `digest` is the hex SHA-256 of the pixel bytes (images in manifest order, then the variants 2,
    3 and 4), so it names what a method sees; `manifest_digest` names the split.
    """

    height: int
    width: int
    digest: str
    manifest_digest: str
    _parts: dict[str, NDArray[np.uint8]]

    def images(self, split: str) -> NDArray[np.uint8]:
        """The images of a split, (n, H, W, 3) uint8 RGB, read-only, rows in manifest order."""
        return self._part(split, SPLITS)

    def variants(self, rate: int) -> NDArray[np.uint8]:
        """The rate-1 training images down-sampled by 2, 3 or 4: (n_hr_train, H, W, 3) uint8.

        Row k belongs to the k-th training row of rate 1, in manifest order; read-only.
        """
        return self._part(str(rate), tuple(map(str, VARIANT_RATES)))

    def _part(self, name: str, known: tuple[str, ...]) -> NDArray[np.uint8]:
        if name not in known:
            raise InputError(f"the pixel store has no part {name!r}; it has {', '.join(known)}")
        return self._parts[name]


@dataclass(frozen=True)
class _Plan:
    """What a store must be: computed from the inputs, compared with what lies in the cache."""

    manifest_digest: str
    counts: tuple[tuple[str, int], ...]  # (part, images), in the order of the file
    height: int
    width: int
    inputs: str

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (sum(count for _, count in self.counts), self.height, self.width, 3)

    def about(self) -> dict[str, Any]:
        return {
            "store": STORE_VERSION,
            "manifest": self.manifest_digest,
            "inputs": self.inputs,
            "kernels": KERNEL_VERSIONS,
            "height": self.height,
            "width": self.width,
            "counts": dict(self.counts),
        }


def open_store(
    raw: Raw,
    manifest: Manifest,
    height: int,
    width: int,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
) -> PixelStore:
    """Open the store of a manifest, building it when it is absent; `progress(done, total)`.

    An LR image is down-sampled by its rate on its native grid (bicubic, 8 bits), then every image
    is brought to (height, width) bilinearly; both with the versioned resampler. A store found
    damaged or made from something else is reported as a warning and built again. Raises InputError
    naming a raw image that cannot be decoded, or the cache when it cannot be written.
    """
    if height < 1 or width < 1:
        raise InputError(f"a store of {width} x {height} pixels; the least size is 1 x 1")
    plan = _plan(raw, manifest, height, width)
    folder = cache / "pixels" / plan.inputs[:32]
    if folder.exists():
        try:
            return _load(folder, plan)
        except InputError as error:
            _log.warning("%s; building it again", error)
            _discard(folder)
    with replace_folder(folder) as temporary:
        _build(raw, manifest, plan, temporary, progress or _silent)
    return _load(folder, plan)


def _silent(_done: int, _total: int) -> None:
    """Report no progress."""


def _plan(raw: Raw, manifest: Manifest, height: int, width: int) -> _Plan:
    counts = [(split, len(manifest.rows(split))) for split in SPLITS]
    hr = int((manifest.rows("train")["rate"] == 1).sum())
    counts += [(str(rate), hr) for rate in VARIANT_RATES]
    known = {image.path for image in raw.images}
    files = reader(card(raw.dataset).reader)
    sources = set()
    for path in manifest.table["path"]:
        if path not in known:
            raise InputError(f"{raw.folder / path}: is in the manifest, but not in the raw folder")
        sources.add(files.source_file(raw.folder, path))
    named = [
        manifest.digest,
        f"{STORE_VERSION} {height} {width} {raw.dataset}",
        *(f"{name}={version}" for name, version in KERNEL_VERSIONS.items()),
        *(_stamp(raw.folder, source) for source in sorted(sources)),
    ]
    inputs = digest_of("\n".join(named).encode("utf-8"))
    return _Plan(manifest.digest, tuple(counts), height, width, inputs)


def _stamp(folder: Path, source: Path) -> str:
    """Name, size and time of a source file: when one changes, the store has another name."""
    try:
        stat = source.stat()
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror}); unpack it again") from error
    return f"{source.relative_to(folder).as_posix()} {stat.st_size} {stat.st_mtime_ns}"


# --- opening --------------------------------------------------------------------------------------


def _load(folder: Path, plan: _Plan) -> PixelStore:
    """Open a store that is what `plan` says, to the last bit; InputError when it is not."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        pixels = np.load(folder / _PIXELS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{folder}: the pixel store is damaged ({error})") from error
    if not isinstance(about, dict) or {**plan.about(), "sha256": about.get("sha256")} != about:
        raise InputError(f"{folder}: the pixel store was made from something else")
    if pixels.shape != plan.shape or pixels.dtype != np.uint8 or not pixels.flags.c_contiguous:
        raise InputError(f"{folder}: the pixel store has another shape than it says")
    if _sha256(folder / _PIXELS, pixels.nbytes) != about["sha256"]:
        raise InputError(f"{folder}: the pixel store's pixels do not match their digest")
    parts, start = {}, 0
    for name, count in plan.counts:
        parts[name] = pixels[start : start + count]
        start += count
    return PixelStore(plan.height, plan.width, about["sha256"], plan.manifest_digest, parts)


def _sha256(file: Path, size: int) -> str:
    """Hex SHA-256 of the last `size` bytes of a file: of the pixels, not of the npy header."""
    sha = hashlib.sha256()
    with file.open("rb") as stream:
        stream.seek(-size, 2)
        while block := stream.read(_SHA_BYTES):
            sha.update(block)
    return sha.hexdigest()


def _discard(folder: Path) -> None:
    """Take a store away under another name first, so that only one of two processes removes it."""
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.damaged")
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(
            f"{folder}: a damaged pixel store that cannot be removed ({error.strerror}); delete it"
        ) from error
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)


# --- building -------------------------------------------------------------------------------------


def _build(
    raw: Raw,
    manifest: Manifest,
    plan: _Plan,
    folder: Path,
    progress: Callable[[int, int], None],
) -> None:
    # Written with seek and write, never through a memory map: a full disk must be an error that
    # can be caught, and in a map it is a signal that kills the process.
    with (folder / _PIXELS).open("wb") as stream:
        header = {"descr": "|u1", "fortran_order": False, "shape": plan.shape}
        np.lib.format.write_array_header_1_0(stream, header)
        start = stream.tell()
        for place, images in _batches(raw, manifest, plan, progress):
            _write(stream, start, place, images)
    size = int(np.prod(plan.shape))
    about = {**plan.about(), "sha256": _sha256(folder / _PIXELS, size)}
    (folder / _ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _write(stream: BinaryIO, start: int, place: int, images: NDArray[np.uint8]) -> None:
    if len(images):
        stream.seek(start + place * images[0].nbytes)
        stream.write(np.ascontiguousarray(images).data)


def _batches(
    raw: Raw, manifest: Manifest, plan: _Plan, progress: Callable[[int, int], None]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(first row in the file, images) for all that the store holds."""
    open_image = reader(card(raw.dataset).reader).open_image
    table = manifest.table
    paths, rates = table["path"].tolist(), table["rate"].to_numpy()
    hr_train = (table["split"] == "train").to_numpy() & (rates == 1)
    variants_done = 0
    progress(0, len(paths))
    for first in range(0, len(paths), _CHUNK):
        rows = slice(first, first + _CHUNK)
        images = [open_image(raw.folder, path) for path in paths[rows]]
        yield first, _at_size(images, rates[rows], plan)
        hr = [image for image, wanted in zip(images, hr_train[rows], strict=True) if wanted]
        for place, rate in enumerate(VARIANT_RATES):
            row = len(paths) + place * int(hr_train.sum()) + variants_done
            yield row, _at_size(hr, np.full(len(hr), rate), plan)
        variants_done += len(hr)
        progress(min(first + _CHUNK, len(paths)), len(paths))


def _at_size(
    images: list[NDArray[np.uint8]], rates: NDArray[np.int64], plan: _Plan
) -> NDArray[np.uint8]:
    """Down-sample each image by its rate (0 and 1: not at all), then bring it to the store's size.

    Images of one size and rate are resampled together, which is what makes building fast.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, (image, rate) in enumerate(zip(images, rates, strict=True)):
        groups.setdefault((max(1, int(rate)), *image.shape), []).append(row)
    result = np.empty((len(images), plan.height, plan.width, 3), dtype=np.uint8)
    for (rate, *_), rows in groups.items():
        small = downsample(np.stack([images[row] for row in rows]), rate)
        result[rows] = resample(small, plan.height, plan.width, "bilinear")
    return result
