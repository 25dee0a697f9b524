"""The pixel store: every image of a manifest decoded once, at its rate, at the network's size.

A store is a folder with one memory-mapped array and one JSON file, named and checked by digests.
It is built in another folder, its workplace, and renamed when all is there.
"""

import hashlib
import json
import logging
import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.arguments import as_a, as_count, as_function, as_path, as_text, if_given
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of, remove_abandoned, write_atomically
from crossres.datasets.base.in_use import mark_used
from crossres.datasets.base.progress import Report, silent
from crossres.datasets.pixels.building import build_pixels, count_finished
from crossres.datasets.pixels.decoding import default_jobs
from crossres.datasets.pixels.lock import locked, remove_old
from crossres.datasets.pixels.plan import VARIANT_RATES, StorePlan, plan_store
from crossres.datasets.raw.source import Raw
from crossres.datasets.splits.manifest import SPLITS, Manifest

PIXELS, PARTIAL = "pixels", "partial"  # folders of a cache
PIXELS_FILE, DESCRIPTION = "pixels.npy", "store.json"  # in the folder of a store
_STORE = "store"  # the folder of a store that is being built, in its workplace
_SHA_BYTES = 1 << 24

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PixelStore:
    """The pixels of one manifest at one size.

    `digest` is the hex SHA-256 of the pixel bytes (images in manifest order, then the variants 2,
    3 and 4), so it names what a method sees; `manifest_digest` names the split. `folder` is where
    the store lies, `origin` is
    "built", "resumed" (an interrupted build was finished) or "cache".
    """

    height: int
    width: int
    digest: str
    manifest_digest: str
    folder: Path
    _parts: dict[str, NDArray[np.uint8]]
    origin: str = "built"

    def images(self, split: str) -> NDArray[np.uint8]:
        """Return the images of a split, (n, H, W, 3) uint8 RGB, read-only, in manifest order."""
        return self._part(as_text(split, "split"), SPLITS)

    def variants(self, rate: int) -> NDArray[np.uint8]:
        """Return the HR training images at 1/2, 1/3 or 1/4: (n_hr_train, H, W, 3) uint8.

        Row k belongs to the k-th training row of rate 1, in manifest order; read-only.
        """
        return self._part(str(rate), tuple(map(str, VARIANT_RATES)))

    def _part(self, name: str, names: tuple[str, ...]) -> NDArray[np.uint8]:
        if name not in names:
            raise InputError(f"the pixel store has no part {name!r}; it has {', '.join(names)}")
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

    All pixels of a store are compared with its digest; with `checked` only if its file has been
    touched since they last were (for callers that know of a recent comparison). A store that is
    damaged or made from something else is reported as a warning and built again. Raises InputError
    naming a raw image that cannot be decoded, an unknown kernel or grid, or the cache when it
    cannot be written.
    """
    jobs, progress = if_given(jobs, "jobs", as_count), as_function(progress, "progress")
    height, width = as_count(height, "height"), as_count(width, "width")
    raw, manifest = as_a(Raw, raw, "raw"), as_a(Manifest, manifest, "manifest")
    plan, cache = plan_store(raw, manifest, height, width), as_path(cache, "cache")
    folder = cache / PIXELS / plan.inputs[:32]
    title = {"source": raw.source, "height": height, "width": width}
    of_split = {name: getattr(manifest, name) for name in ("dataset", "protocol", "seed")}
    mark_used(cache, PIXELS, folder.name, {**of_split, **title})
    if folder.exists():
        try:
            return _load(folder, plan, "cache", checked=checked)
        except InputError:
            # It is damaged, or another process is just replacing it: known once we hold the lock.
            pass
    workplace = cache / PARTIAL / folder.name

    def waiting() -> None:
        progress(count_finished(plan, workplace), len(plan.images))

    with locked(workplace, waiting):
        if folder.exists():
            try:
                return _load(folder, plan, "cache", checked=checked)
            except InputError as error:
                _log.warning("%s; building it again", error)
                _discard(folder, workplace.parent)
        remove_old(sorted(workplace.parent.iterdir()))
        file = workplace / _STORE / PIXELS_FILE
        resumed = build_pixels(raw, plan, workplace, file, progress, jobs or default_jobs())
        _publish(workplace, plan, folder)
        return _load(folder, plan, "resumed" if resumed else "built", checked=True)


# --- opening --------------------------------------------------------------------------------------


def _load(folder: Path, plan: StorePlan, origin: str, *, checked: bool) -> PixelStore:
    """Open a store that is what `plan` says, to the last bit; InputError when it is not."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        pixels = np.load(folder / PIXELS_FILE, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{folder}: the pixel store is damaged or incomplete") from error
    if not isinstance(description, dict) or {**description, **plan.description()} != description:
        raise InputError(f"{folder}: the pixel store was made from something else")
    if pixels.shape != plan.shape or pixels.dtype != np.uint8 or not pixels.flags.c_contiguous:
        raise InputError(f"{folder}: the pixel store has another shape than it says")
    digest = str(description.get("sha256"))
    try:
        stamp = _stamp(folder / PIXELS_FILE, digest)
        is_known = checked and description.get("seen") == stamp
        is_whole = is_known or _sha256(folder / PIXELS_FILE, pixels.nbytes) == digest
    except OSError as error:
        raise InputError(f"{folder}: the pixel store cannot be read ({error.strerror})") from error
    if not is_whole:
        raise InputError(f"{folder}: the pixel store's pixels do not match their digest")
    if not is_known:
        _note_stamp(folder, description, stamp)
    parts, start = {}, 0
    for name, count in plan.counts:
        parts[name] = pixels[start : start + count]
        start += count
    height, width = plan.recipe.height, plan.recipe.width
    return PixelStore(height, width, digest, plan.manifest_digest, folder, parts, origin)


def _stamp(file: Path, digest: str) -> str:
    """Return a text that names a digest and the file that has it, as the file is now.

    It is another one once the file is written to, replaced or copied: a ctime cannot be set back.
    """
    stat = file.stat()
    now = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    return digest_of(f"{digest} {now}".encode())


def _note_stamp(folder: Path, description: dict[str, Any], stamp: str) -> None:
    """Note that the file as it is now has been compared with its digest.

    In a cache that is only read, or on a full disk, this cannot be noted; there each opening
    compares again.
    """
    if description.get("seen") != stamp and os.access(folder, os.W_OK):
        with suppress(InputError):
            _write_description(folder, {**description, "seen": stamp})


def _write_description(folder: Path, description: dict[str, Any]) -> None:
    write_atomically(folder / DESCRIPTION, json.dumps(description, indent=1) + "\n")


def _sha256(file: Path, size: int) -> str:
    """Return the SHA-256 of the last `size` bytes of a file: the pixels without the npy header."""
    sha = hashlib.sha256()
    with file.open("rb") as stream:
        stream.seek(-size, 2)
        while block := stream.read(_SHA_BYTES):
            sha.update(block)
    return sha.hexdigest()


def _discard(folder: Path, partial: Path) -> None:
    """Remove a store by way of the folder `partial`, where remains are removed after a week."""
    aside = partial / f"{folder.name}.{uuid.uuid4().hex}.damaged"
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


# --- publishing -----------------------------------------------------------------------------------


def _publish(workplace: Path, plan: StorePlan, folder: Path) -> None:
    """Make the pixels in the workplace a store, which exists from then on as a whole."""
    store = workplace / _STORE
    digest = _sha256(store / PIXELS_FILE, int(np.prod(plan.shape)))
    stamp = _stamp(store / PIXELS_FILE, digest)
    remove_abandoned([store])  # of a build that was broken off while it wrote the description
    _write_description(store, {**plan.description(), "sha256": digest, "seen": stamp})
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        store.rename(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); delete it") from error
    shutil.rmtree(workplace, ignore_errors=True)
