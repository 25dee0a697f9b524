"""Small versions of the images that a cell's rankings name, for reports."""

import io
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crossres.benchmark.measures.ranked_queries import NO_IMAGE
from crossres.benchmark.measures.upright_images import turned
from crossres.datasets.pixels.originals import natively_wide
from crossres.datasets.pixels.store import PixelStore
from crossres.datasets.raw.source import Raw
from crossres.datasets.splits.manifest import Manifest

HEIGHT = 64  # pixels at most
QUALITY = 80
METHOD = 2  # of WebP: more effort takes longer and saves 3 %


def thumbnails_of(
    raw: Raw,
    manifest: Manifest,
    store: PixelStore,
    ranked: Mapping[str, NDArray[Any]],
    there: Collection[int] = (),
) -> dict[str, NDArray[Any]]:
    """Return the m images that rankings (`ranked_queries`) name and that are not `there` yet.

    Number k is query k, number Q + k is gallery image k. Arrays: numbers (m,) int32, ascending;
    names (m,), the paths in the raw folder; content (B,) uint8, the WebP files of at most HEIGHT
    pixels one after another, and ends (m,) int64 in it. Vehicles stand upright (`turned`). Raises
    InputError where a raw file is not readable.
    """
    query, gallery = store.images("query"), store.images("gallery")
    shown = np.concatenate([ranked["ranked_rows"].ravel(), ranked["first_rows"]])
    shown = shown[shown != NO_IMAGE].astype(np.int64)
    wanted = np.union1d(ranked["ranked_queries"].astype(np.int64), shown + len(query))
    numbers = np.setdiff1d(wanted, np.array(sorted(there), dtype=np.int64))
    paths = np.concatenate(
        [manifest.rows(s)["path"].to_numpy(dtype=str) for s in ("query", "gallery")]
    )
    names = paths[numbers]
    images = [
        np.asarray(query[number] if number < len(query) else gallery[number - len(query)])
        for number in numbers.tolist()
    ]
    if raw.card.subject == "vehicle" and images:
        images = list(turned(np.stack(images), natively_wide(raw, names.tolist())))
    files = [_webp(image) for image in images]
    return {
        "numbers": numbers.astype(np.int32),
        "names": names,
        "content": np.frombuffer(b"".join(files), dtype=np.uint8),
        "ends": np.cumsum([len(file) for file in files], dtype=np.int64),
    }


def _webp(image: NDArray[np.uint8]) -> bytes:
    picture = Image.fromarray(image)
    if picture.height > HEIGHT:
        width = max(1, round(picture.width * HEIGHT / picture.height))
        picture = picture.resize((width, HEIGHT), Image.Resampling.BOX)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=QUALITY, method=METHOD)
    return out.getvalue()
