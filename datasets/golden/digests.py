"""Golden digests: what a split must be, for the twins and for what real name lists decide.

`digests.csv` beside this file is the table; `tools/golden_digests.py` prints it anew.
docs/digests.md says what each part covers.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of
from crossres.datasets.base.progress import Report, silent
from crossres.datasets.protocols import build_manifest
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import reader

TABLE = Path(__file__).with_name("digests.csv")
MANIFEST, TRAIN, TEST, LR, PIXELS = "manifest", "train", "test", "lr", "pixels"
ANY = "any"  # the protocol of a part that depends on none


@dataclass(frozen=True)
class Golden:
    """A row: `part` of the manifest of (dataset, source, protocol, seed) has this digest.

    `source` is "twin:<size>:<version>", "real", or "real:cuhk03-np" for these folders, "real:v2"
    for version 2 of MSMT17. `images` is the number of rows that the digest covers, `lr` how many of
    these are not HR.
    """

    dataset: str
    source: str
    protocol: str
    seed: int
    part: str
    images: int
    lr: int
    digest: str


def golden_part(raw: Raw, protocol: str, seed: int, part: str) -> Golden:
    """Return the row of a raw folder, whether read from images or from lists.

    `part` "manifest" is the whole; "train" the lines `path,pid,camid,rate` of train; "lr" the lines
    `path,rate` of all images that are not HR; "test" the lines `split,pid,camid,lr|hr,count` of
    query and gallery. Lines are sorted by code point, each ends with a newline. "pixels" is of the
    decoded images themselves, in the order of their paths: for each `path width height` in such a
    line, then its RGB bytes.
    """
    if part == PIXELS:
        return Golden(raw.dataset, source_of(raw), ANY, 0, part, len(raw.images), 0, _pixels(raw))
    manifest = build_manifest(raw, protocol, seed)
    rows = _rows(manifest.table, part)
    digest = manifest.digest if part == MANIFEST else digest_of(_text(_lines(rows, part)))
    lr = int((rows["rate"] != 1).sum())
    return Golden(raw.dataset, source_of(raw), protocol, seed, part, len(rows), lr, digest)


def source_of(raw: Raw) -> str:
    """Return the source of a raw folder as the table names it; digests say whether it is whole."""
    source = "real" if raw.source == "partial" else raw.source
    if raw.dataset == "mlr-cuhk03" and any(image.part for image in raw.images):
        return f"{source}:cuhk03-np"
    return f"{source}:v2" if any(image.alias for image in raw.images) else source


def compared(raw: Raw, progress: Report = silent) -> list[tuple[Golden, Golden]]:
    """Return (published, computed) for each row on this raw folder; `progress(done, total)`.

    Raises InputError when the table holds no row on it.
    """
    source = source_of(raw)
    of_dataset = [row for row in published() if row.dataset == raw.dataset]
    rows = [row for row in of_dataset if row.source == source]
    if not rows:
        sources = ", ".join(sorted({row.source for row in of_dataset}))
        raise InputError(
            f"{raw.folder}: no digest of {raw.dataset} from {source} is published; "
            f"there are some of {sources or 'other data sets only'}"
        )
    pairs = []
    for done, row in enumerate(rows):
        progress(done, len(rows))
        pairs.append((row, golden_part(raw, row.protocol, row.seed, row.part)))
    return pairs


def differing(raw: Raw) -> list[tuple[Golden, Golden]]:
    """Return those pairs of `compared` that are not equal."""
    return [(row, computed) for row, computed in compared(raw) if row != computed]


def published() -> list[Golden]:
    """Return the rows of `digests.csv`."""
    with TABLE.open(newline="", encoding="utf-8") as stream:
        _, *rows = csv.reader(stream)
    return [
        Golden(dataset, source, protocol, int(seed), part, int(images), int(lr), digest)
        for dataset, source, protocol, seed, part, images, lr, digest in rows
    ]


def _pixels(raw: Raw) -> str:
    open_image = reader(raw.card.reader).open_image
    sha = hashlib.sha256()
    for image in raw.images:
        pixels = open_image(raw.folder, image.path)
        sha.update(f"{image.path} {pixels.shape[1]} {pixels.shape[0]}\n".encode())
        sha.update(pixels.tobytes())
    return sha.hexdigest()


def _rows(table: pd.DataFrame, part: str) -> pd.DataFrame:
    train = table["split"] == "train"
    chosen = {MANIFEST: train | ~train, TRAIN: train, TEST: ~train, LR: table["rate"] != 1}
    return table[chosen[part]]


def _lines(rows: pd.DataFrame, part: str) -> Iterator[str]:
    if part == TEST:
        kinds = ("hr" if rate == 1 else "lr" for rate in rows["rate"])
        counts = Counter(zip(rows["split"], rows["pid"], rows["camid"], kinds, strict=True))
        return (",".join(map(str, (*key, count))) for key, count in counts.items())
    columns = ["path", "rate"] if part == LR else ["path", "pid", "camid", "rate"]
    return (",".join(map(str, row)) for row in rows[columns].itertuples(index=False))


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in sorted(lines)).encode("utf-8")
