"""The queries of paired cells of two folders, side by side: their flips, and the query browser."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.compare.evaluations import FLIPS, Flip
from crossres.benchmark.compare.folders import FolderComparison
from crossres.benchmark.compare.pairs import Pair
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.metrics.rules import GalleryRule
from crossres.benchmark.records.images import ImageFolder, Thumbnail
from crossres.benchmark.records.record import Record
from crossres.datasets.base.words import counted
from crossres.datasets.raw.source_name import source_words
from crossres.reports.comparison.words import title_of
from crossres.reports.page.query_browser import (
    GALLERY,
    SCORES,
    Arrays,
    Browser,
    QuerySet,
    RankedCell,
    query_set,
    read_rankings,
)
from crossres.reports.wording import slug

FOLDER = "against-queries"  # beside the page
_OF_QUERIES = ("ranked_queries", "scored_names", "scored_pids", "scored_rates", "scored_camids")


@dataclass(frozen=True)
class Flips:
    """How many queries of a row are of each flip, on a data set at a rate, over all seeds.

    `rate` and `dataset` None: at all rates, on all sets. A query is right where the image that is
    nearest to it in the `gallery` is a true match, whatever gallery the gaps are of.
    """

    row: str
    dataset: str | None
    protocol: str | None
    rate: int | None
    counts: Mapping[Flip, int]
    gallery: GalleryRule = GALLERY


@dataclass(frozen=True)
class PairQueries:
    """The queries of all pairs of cells whose metrics differ; what is not there, in `remarks`."""

    browser: Browser
    flips: tuple[Flips, ...]
    remarks: tuple[str, ...]

    def over_sets(self, row: str) -> tuple[Flips, ...]:
        """Return the flips of a row over all data sets, by rate; all rates last."""
        return tuple(flips for flips in self.flips if (flips.row, flips.dataset) == (row, None))

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows that have queries, in their order."""
        return tuple(dict.fromkeys(flips.row for flips in self.flips))


@dataclass(frozen=True, eq=False)
class _RankedPair:
    pair: Pair
    a: Arrays
    b: Arrays

    @property
    def queries(self) -> list[NDArray[Any]]:
        return [self.a[name] for name in _OF_QUERIES]


def queries_of(folders: FolderComparison, *, embedded: bool = False) -> PairQueries:
    """Read the queries of each pair of cells whose metrics differ.

    Only those of cells that were tested on the same images can be held against each other: of one
    manifest, and of one twin where it is a twin's.
    """
    differing = [p for p in folders.comparison.pairs if p.sameness == "other metrics"]
    comparable = [pair for pair in differing if _test_set(pair.a) == _test_set(pair.b)]
    read = [ranked for pair in comparable if (ranked := _read(pair, folders)) is not None]
    lacking = len(comparable) - len(read)
    of_one_set = [ranked for ranked in read if _are_equal(ranked, ranked.b)]
    browser = Browser(_sets(of_one_set, folders), embedded, FOLDER, paired=True)
    other = len(differing) - lacking - len(of_one_set)
    return PairQueries(browser, _flips(of_one_set), _remarks(len(differing), other, lacking))


def _test_set(record: Record) -> tuple[str, str, int]:
    return record.digests["manifest"], record.cell.source, record.cell.drawn_with


def _read(pair: Pair, folders: FolderComparison) -> _RankedPair | None:
    a, b = (
        read_rankings(artifacts, record.key)
        for artifacts, record in zip(folders.artifacts, (pair.a, pair.b), strict=True)
    )
    return None if a is None or b is None else _RankedPair(pair, a, b)


def _are_equal(ranked: _RankedPair, other: Arrays) -> bool:
    of_other = (other[name] for name in _OF_QUERIES)
    return all(map(np.array_equal, ranked.queries, of_other))


def _remarks(differing: int, other: int, lacking: int) -> tuple[str, ...]:
    """Say in a line each of how many pairs the queries are not shown, and why."""
    of = f"of {counted(differing, 'pair')} of cells whose metrics differ"
    remarks = []
    if other:
        remarks.append(
            f"{other} {of} {'was' if other == 1 else 'were'} tested on other queries in B than in "
            "A (another split, data seed or twin), which cannot be compared one by one"
        )
    if lacking:
        remarks.append(
            f"{lacking} {of} {'has' if lacking == 1 else 'have'} no usable rankings in both "
            "folders, as cells of older versions; run them again"
        )
    return tuple(remarks)


# --- the browser ----------------------------------------------------------------------------------


def _sets(ranked: Sequence[_RankedPair], folders: FolderComparison) -> list[QuerySet]:
    """Return a set for each data set, seed and test set, with the pairs of all rows."""
    images = [ImageFolder(artifacts.results) for artifacts in folders.artifacts]
    groups: dict[tuple[str, str, int], dict[tuple[str, str, int], list[_RankedPair]]]
    groups = defaultdict(lambda: defaultdict(list))
    for entry in ranked:
        cell = entry.pair.a.cell
        groups[cell.dataset, cell.protocol, cell.seed][_test_set(entry.pair.a)].append(entry)
    sets = []
    for (dataset, protocol, seed), by_test_set in sorted(groups.items()):
        for number, entries in enumerate(by_test_set.values(), start=1):
            alike = [entry for entry in entries if _are_equal(entry, entries[0].a)]
            first = entries[0].pair
            apart, title = "", title_of(dataset, protocol)
            if len(by_test_set) > 1:
                apart, title = str(number), f"{title} · {source_words(first.a.cell.source)}"
            name = slug(dataset, protocol, *filter(None, [apart]), f"seed{seed}")
            place = (f"{folders.a} against {folders.b}", title, seed)
            rule = folders.comparison.rules[protocol]
            titles = [entry.pair.row for entry in alike]
            cells = [
                RankedCell(side, "", record, arrays)
                for entry in alike
                for side, record, arrays in (
                    (folders.a, entry.pair.a, entry.a),
                    (folders.b, entry.pair.b, entry.b),
                )
            ]
            sets.append(query_set(name, place, rule, cells, _thumbnails(images, first), titles))
    return sets


def _thumbnails(images: Sequence[ImageFolder], pair: Pair) -> dict[int, Thumbnail]:
    """Return those of both folders; A's where both have one."""
    b, a = (
        folder.read(record.digests["pixels"])
        for folder, record in zip(reversed(images), (pair.b, pair.a), strict=True)
    )
    return b | a


# --- flips ----------------------------------------------------------------------------------------


def _flips(ranked: Sequence[_RankedPair]) -> tuple[Flips, ...]:
    """Count flips by row, then over all sets and on each, then by rate where there are several,
    all rates last.
    """
    counts: dict[tuple[str, tuple[str, str] | None, int | None], NDArray[np.int64]] = {}
    for entry in ranked:
        cell = entry.pair.a.cell
        places, rates = _of_queries(entry)
        for column in (None, (cell.dataset, cell.protocol)):
            for rate in (*np.unique(rates).tolist(), None):
                some = places if rate is None else places[rates == rate]
                key = entry.pair.row, column, rate
                counts[key] = counts.get(key, 0) + np.bincount(some, minlength=len(FLIPS))
    rows = list(dict.fromkeys(row for row, _, _ in counts))
    entries = Counter(key[:2] for key in counts)
    several = [key for key in counts if key[2] is None or entries[key[:2]] > 2]
    order = sorted(several, key=lambda k: (rows.index(k[0]), k[1] or (), k[2] is None, k[2] or 0))
    flips = []
    for row, column, rate in order:
        of_flip = dict(zip(FLIPS, counts[row, column, rate].tolist(), strict=True))
        dataset, protocol = column or (None, None)
        flips.append(Flips(row, dataset, protocol, rate, of_flip))
    return tuple(flips)


def _of_queries(entry: _RankedPair) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return places in FLIPS and rates (n,), of the queries that count in both cells."""
    before, after = (side["first_ranks"] == 1 for side in (entry.a, entry.b))
    counts = np.ones(len(before), dtype=np.bool_)
    for side in (entry.a, entry.b):
        counts &= np.isfinite(side[SCORES][side["ranked_queries"], METRICS.index("mAP")])
    flips = np.where(before, np.where(after, 0, 2), np.where(after, 1, 3))
    return flips[counts], entry.a["scored_rates"][entry.a["ranked_queries"]][counts]
