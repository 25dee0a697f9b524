"""Golden digests: what a split must be, for the twins and for what real name lists decide.

`digests.csv` beside this file is the table; `python -m crossres.datasets.golden.digests LISTS`
prints it anew. docs/digests.md says what each part covers.
"""

import csv
import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pandas as pd

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of
from crossres.datasets.base.places import default_cache
from crossres.datasets.base.progress import Report, silent
from crossres.datasets.cards import CARDS, card
from crossres.datasets.golden.name_lists import (
    cuhk03_from_lists,
    cuhk03_np_from_lists,
    market_from_lists,
)
from crossres.datasets.protocols import PROTOCOLS, build_manifest
from crossres.datasets.protocols.applicable import applies
from crossres.datasets.raw.source import Raw, Source, open_raw
from crossres.datasets.readers import reader

SEEDS = range(10)
TABLE = Path(__file__).with_name("digests.csv")
MANIFEST, TRAIN, TEST, LR, PIXELS = "manifest", "train", "test", "lr", "pixels"
ANY = "any"  # the protocol of a part that depends on none
_NP = "real:cuhk03-np"
_TWINS = (*PROTOCOLS, "mlr-sing[balanced=true]")
_CAMERAS = tuple(f"mlr-sing[lr_camera={camid}]" for camid in range(1, 7))
_MARKET = ("mlr-sing", *_CAMERAS, "mlr-perid", "market-3561", "mlr-official", "mlr-mixed")
_VIEWS = ("mlr-sing", "mlr-sing[balanced=true]", "mlr-perid")
_LABELED = ("mlr-sing[boxes=labeled]", "mlr-perid[boxes=labeled]")
_LISTED = ("mlr-official", "mlr-official[boxes=labeled]", "mlr-mixed", "mlr-sing", "mlr-perid")
# source -> protocols -> the parts of their manifests that the name lists decide
_DECIDED: Mapping[str, Mapping[tuple[str, ...], tuple[str, ...]]] = {
    "mlr-market": {_MARKET: (TRAIN, TEST)},
    "mlr-cuhk03": {(*_VIEWS, *_LABELED): (LR,), ("mlr-sing[splits=hash]",): (TRAIN, TEST)},
    _NP: {_LISTED: (MANIFEST,)},
}


@dataclass(frozen=True)
class Golden:
    """A row: `part` of the manifest of (dataset, source, protocol, seed) has this digest.

    `source` is "twin:<size>:<version>", "real", or "real:cuhk03-np" for these folders. `images` is
    the number of rows that the digest covers, `lr` how many of these are not HR.
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
    """The source of a raw folder as the table names it: whether a copy is whole, digests tell."""
    parts = raw.dataset == "mlr-cuhk03" and any(image.part for image in raw.images)
    source = "real" if raw.source == "partial" else raw.source
    return f"{source}:cuhk03-np" if parts else source


def compared(raw: Raw, progress: Report = silent) -> list[tuple[Golden, Golden]]:
    """(published, found) for each row of the table on this raw folder; `progress(done, total)`.

    Raises InputError when the table holds no row on it.
    """
    source = source_of(raw)
    mine = [row for row in published() if (row.dataset, row.source) == (raw.dataset, source)]
    if not mine:
        known = ", ".join(sorted({row.source for row in published() if row.dataset == raw.dataset}))
        raise InputError(
            f"{raw.folder}: no digest of {raw.dataset} from {source} is published; "
            f"there are some of {known or 'other data sets only'}"
        )
    pairs = []
    for done, row in enumerate(mine):
        progress(done, len(mine))
        pairs.append((row, golden_part(raw, row.protocol, row.seed, row.part)))
    return pairs


def differing(raw: Raw) -> list[tuple[Golden, Golden]]:
    """Those pairs of `compared` that are not equal."""
    return [(row, found) for row, found in compared(raw) if row != found]


def published() -> list[Golden]:
    """The rows of `digests.csv`."""
    with TABLE.open(newline="", encoding="utf-8") as stream:
        _, *rows = csv.reader(stream)
    return [
        Golden(dataset, source, protocol, int(seed), part, int(images), int(lr), digest)
        for dataset, source, protocol, seed, part, images, lr, digest in rows
    ]


def _pixels(raw: Raw) -> str:
    open_image = reader(card(raw.dataset).reader).open_image
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


# --- the table ------------------------------------------------------------------------------------


def twin_rows(dataset: str, size: str, cache: Path) -> list[Golden]:
    """The rows of one twin: its pixels, and the manifests of every protocol that applies to it."""
    raw = open_raw(dataset, Source(size=size), cache)
    return [
        golden_part(raw, ANY, 0, PIXELS),
        *(
            golden_part(raw, protocol, seed, MANIFEST)
            for protocol in _TWINS
            if applies(raw, protocol)
            for seed in SEEDS
        ),
    ]


def list_rows(lists: Path) -> list[Golden]:
    """The rows that the name lists in a folder decide."""
    raws = {
        "mlr-market": market_from_lists(lists),
        "mlr-cuhk03": cuhk03_from_lists(lists),
        _NP: cuhk03_np_from_lists(lists),
    }
    return [
        golden_part(raws[name], protocol, seed, part)
        for name, decided in _DECIDED.items()
        for protocols, parts in decided.items()
        for protocol in protocols
        for seed in SEEDS
        for part in parts
    ]


def main(arguments: list[str]) -> int:
    """Print the table; the one argument is the folder of the name lists."""
    if len(arguments) != 1:
        print(
            "usage: python -m crossres.datasets.golden.digests LISTS > datasets/golden/digests.csv",
            file=sys.stderr,
        )
        return 2
    sizes = ("tiny", "quick")
    twins = [row for size in sizes for d in CARDS for row in twin_rows(d, size, default_cache())]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([column.name for column in fields(Golden)])
    writer.writerows(astuple(row) for row in [*twins, *list_rows(Path(arguments[0]))])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
