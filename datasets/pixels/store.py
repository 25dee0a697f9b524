"""The pixel store: every image of a manifest decoded once, at its rate, at the network's size.

One memory-mapped array and one JSON file beside it, made whole, named and checked by digests.
"""

import hashlib
import json
import logging
import os
import shutil
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from crossres.datasets.base.arguments import as_a, as_count, as_function, as_path, as_text, if_given
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of, write_atomically
from crossres.datasets.base.progress import Report, silent
from crossres.datasets.cards import card
from crossres.datasets.pixels.decoding import default_jobs, fill
from crossres.datasets.pixels.plan import VARIANT_RATES, StorePlan, plan_store
from crossres.datasets.pixels.resumable import Partial, forget_old, locked, noted_chunks
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import reader
from crossres.datasets.splits.manifest import SPLITS, Manifest

_PIXELS, _ABOUT = "pixels.npy", "store.json"
_SHA_BYTES = 1 << 24

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PixelStore:
    """The pixels of one manifest at one size.

    `digest` is the hex SHA-256 of the pixel bytes (images in manifest order, then the variants 2,
    3 and 4), so it names what a method sees; `manifest_digest` names the split. `origin` says how
    it was come by: "built", "resumed" (an interrupted build was finished) or "cache".
    """

    height: int
    width: int
    digest: str
    manifest_digest: str
    _parts: dict[str, NDArray[np.uint8]]
    origin: str = "built"

    def images(self, split: str) -> NDArray[np.uint8]:
        """The images of a split, (n, H, W, 3) uint8 RGB, read-only, rows in manifest order."""
        return self._part(as_text(split, "split"), SPLITS)

    def variants(self, rate: int) -> NDArray[np.uint8]:
        """The rate-1 training images down-sampled by 2, 3 or 4: (n_hr_train, H, W, 3) uint8.

        Row k belongs to the k-th training row of rate 1, in manifest order; read-only.
        """
        return self._part(str(rate), tuple(map(str, VARIANT_RATES)))

    def _part(self, name: str, known: tuple[str, ...]) -> NDArray[np.uint8]:
        if name not in known:
            raise InputError(f"the pixel store has no part {name!r}; it has {', '.join(known)}")
        return self._parts[name]


def open_store(
    raw: Raw,
    manifest: Manifest,
    height: int,
    width: int,
    cache: Path | str,
    progress: Report = silent,
    *,
    jobs: int | None = None,
    checked: bool = False,
) -> PixelStore:
    """Open the store of a manifest, building it when it is absent; `progress(done, total)`.

    An LR image is down-sampled by its rate with the manifest's kernel on the manifest's grid, to 8
    bits, then every image is brought to (height, width) bilinearly; all with the versioned
    resampler. An interrupted build is resumed by the next call; one that another process is at work
    on is waited for. `jobs` threads decode and resample (None: as many as there are cores); the
    pixels are the same for any number.

    A store is compared with its digest, whole; with `checked` only where its file has been touched
    since that was last done (for those who know that it was, a moment ago). A store found damaged
    or made from something else is reported as a warning and built again. Raises InputError naming
    a raw image that cannot be decoded, an unknown kernel or grid, or the cache when it cannot be
    written.
    """
    jobs, progress = if_given(jobs, "jobs", as_count), as_function(progress, "progress")
    height, width = as_count(height, "height"), as_count(width, "width")
    raw, manifest = as_a(Raw, raw, "raw"), as_a(Manifest, manifest, "manifest")
    plan, cache = plan_store(raw, manifest, height, width), as_path(cache, "cache")
    folder = cache / "pixels" / plan.inputs[:32]
    if folder.exists():
        try:
            return _load(folder, plan, "cache", checked=checked)
        except InputError:
            # It is damaged, or another process is just replacing it: known once we hold the lock.
            pass
    partial = cache / "partial" / folder.name

    def waiting() -> None:
        progress(plan.images_in(noted_chunks(partial)), len(plan.images))

    with locked(partial, waiting):
        if folder.exists():
            try:
                return _load(folder, plan, "cache", checked=checked)
            except InputError as error:
                _log.warning("%s; building it again", error)
                _discard(folder, partial.parent)
        forget_old(sorted(partial.parent.iterdir()))
        origin = _build(raw, plan, partial, folder, progress, jobs or default_jobs())
        return _load(folder, plan, origin, checked=True)


# --- opening --------------------------------------------------------------------------------------


def _load(folder: Path, plan: StorePlan, origin: str, *, checked: bool) -> PixelStore:
    """Open a store that is what `plan` says, to the last bit; InputError when it is not."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        pixels = np.load(folder / _PIXELS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{folder}: the pixel store is damaged or incomplete") from error
    if not isinstance(about, dict) or {**about, **plan.about()} != about:
        raise InputError(f"{folder}: the pixel store was made from something else")
    if pixels.shape != plan.shape or pixels.dtype != np.uint8 or not pixels.flags.c_contiguous:
        raise InputError(f"{folder}: the pixel store has another shape than it says")
    digest = str(about.get("sha256"))
    seen = _seen(folder / _PIXELS, digest)
    if not (checked and about.get("seen") == seen):
        if _sha256(folder / _PIXELS, pixels.nbytes) != digest:
            raise InputError(f"{folder}: the pixel store's pixels do not match their digest")
        _note_seen(folder, about, seen)
    parts, start = {}, 0
    for name, count in plan.counts:
        parts[name] = pixels[start : start + count]
        start += count
    height, width = plan.recipe.height, plan.recipe.width
    return PixelStore(height, width, digest, plan.manifest_digest, parts, origin)


def _seen(file: Path, digest: str) -> str:
    """Names the file as it is now and the digest it was found to have.

    Another name when the file is written to, replaced or copied; its ctime cannot be set back.
    """
    stat = file.stat()
    now = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    return digest_of(f"{digest} {now}".encode())


def _note_seen(folder: Path, about: dict[str, Any], seen: str) -> None:
    """Note that the file as it is now has been compared with its digest, where that can be noted.

    In a cache that only others may write it cannot; there each opening compares again.
    """
    if about.get("seen") != seen and os.access(folder, os.W_OK):
        _write_about(folder, {**about, "seen": seen})


def _write_about(folder: Path, about: dict[str, Any]) -> None:
    write_atomically(folder / _ABOUT, json.dumps(about, indent=1) + "\n")


def _sha256(file: Path, size: int) -> str:
    """Hex SHA-256 of the last `size` bytes of a file: of the pixels, not of the npy header."""
    sha = hashlib.sha256()
    with file.open("rb") as stream:
        stream.seek(-size, 2)
        while block := stream.read(_SHA_BYTES):
            sha.update(block)
    return sha.hexdigest()


def _discard(folder: Path, room: Path) -> None:
    """Take a store away into `room` first, so that what is left when killed is forgotten there."""
    aside = room / f"{folder.name}.{uuid.uuid4().hex}.damaged"
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
    raw: Raw, plan: StorePlan, workplace: Path, folder: Path, progress: Report, jobs: int
) -> str:
    """Make the store in the workplace, or finish it, and put it in its place; returns its origin.

    The caller holds the lock of the workplace.
    """
    works, name = plan.works(), f"store/{_PIXELS}"
    partial = Partial(workplace, name, plan.about(), plan.head(), tuple(plan.spans()))
    finished = partial.resume()
    left = [chunk for chunk in range(len(works)) if chunk not in finished]
    done, total = sum(len(works[chunk]) for chunk in finished), len(plan.images)
    progress(done, total)
    decode = reader(card(raw.dataset).reader).open_image
    todo = [works[chunk] for chunk in left]
    with (
        # The threads are ours: a BLAS that starts its own for each small product wastes both cores.
        threadpool_limits(1, "blas"),
        closing(fill(raw.folder, decode, plan.recipe, todo, jobs)) as filled,
        partial.writing() as put,
    ):
        for chunk, images in zip(left, filled, strict=True):
            put(chunk, _pieces(images))
            done += len(images)
            progress(done, total)
    _publish(partial, plan, folder)
    return "resumed" if finished else "built"


def _publish(partial: Partial, plan: StorePlan, folder: Path) -> None:
    made = partial.file.parent
    size = int(np.prod(plan.shape))
    digest = _sha256(partial.file, size)
    _write_about(made, {**plan.about(), "sha256": digest, "seen": _seen(partial.file, digest)})
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made.rename(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); delete it") from error
    shutil.rmtree(partial.folder, ignore_errors=True)


def _pieces(images: list[list[NDArray[np.uint8]]]) -> list[NDArray[np.uint8]]:
    """The pixels for each span of a chunk, in the order of the plan's."""
    shape = images[0][0].shape
    pieces = [np.stack([rates[0] for rates in images])]
    for place in range(1, 1 + len(VARIANT_RATES)):
        some = [rates[place] for rates in images if len(rates) > 1]
        pieces.append(np.stack(some) if some else np.empty((0, *shape), np.uint8))
    return pieces
