"""Scores of blocks of queries: the gallery is gone through part by part, tile by tile."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from crossres.benchmark.metrics.closer import Hide, Matches, Tile, closer_images
from crossres.benchmark.metrics.comparisons import TILE_VALUES, Block, Comparison, Part, blocks
from crossres.benchmark.metrics.identities import Identities, Outranked, outranking_in
from crossres.benchmark.metrics.own_images import (
    JUNK,
    UNKNOWN_CAMERA,
    Ids,
    ImageIds,
    OwnImages,
    count_pairs,
    own_images,
)
from crossres.benchmark.metrics.passes import Outrankings, Values
from crossres.benchmark.metrics.per_query import Scores, joined, multi_shot, single_shot
from crossres.benchmark.metrics.rules import Rules

MOST_ENTRIES = 32 * 2**20

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """Queries (n,) that have a true match, and their scores; `count_pairs` of them."""

    queries: Ids
    scores: Scores
    ranked_pairs: int
    true_pairs: int


class Scoring:
    """One set of rules on one set of images."""

    def __init__(
        self,
        ids: ImageIds,
        rules: Rules,
        pool: Executor,
        threads: int,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Put the gallery in order: by identity, where each shows one image."""
        self._ids, self._rules, self._pool, self._threads = ids, rules, pool, threads
        self._progress, self._before, self._compared = progress, 0, 0
        self._identities = None
        self._order = np.flatnonzero(ids.gallery_pids != JUNK)
        if rules.gallery == "single-shot":
            self._identities = Identities(ids, rules.separate_cameras)
            self._order = self._identities.order
        self._places = np.full(len(ids.gallery_pids), -1)
        self._places[self._order] = np.arange(len(self._order))

    def results(self, comparison: Comparison, queries: slice) -> Iterator[Result]:
        """Yield the scores of these queries, in halves where all together take too much memory."""
        self._before, self._compared = queries.start, 0
        own = own_images(self._ids, self._rules, queries)
        if not own.usable.any():
            return
        block = comparison.block(queries)
        matches = Matches(block, own)
        valid = np.flatnonzero(np.diff(matches.starts))
        hide = _Hide(self._ids, self._rules, queries, own, self._places)
        if self._identities is None:
            closer = self._closer(block, matches, hide)
            scores = multi_shot(closer, matches.starts[valid], self._rules.ap)
        else:
            outranked = self._outranked(block, matches, hide, queries)
            if not outranked:
                middle = (queries.start + queries.stop) // 2
                yield from self.results(comparison, slice(queries.start, middle))
                yield from self.results(comparison, slice(middle, queries.stop))
                return
            scores = joined(self._map(self._single_shot, outranked))
        pairs = count_pairs(self._ids, self._rules, queries, own)
        yield Result(queries.start + valid, scores, *pairs)

    def _closer(self, block: Block, matches: Matches, hide: "_Hide") -> Ids:
        """Return (N,) how many images are closer than each match, matches among them."""
        closer = np.arange(len(matches.rows)) - matches.starts[matches.rows]
        for rows, counts in self._tiles(block, matches, hide, closer_images):
            closer[matches.starts[rows.start] : matches.starts[rows.stop]] += counts
        return closer

    def _outranked(
        self, block: Block, matches: Matches, hide: "_Hide", queries: slice
    ) -> list[Outranked]:
        """Return who outranks the matches, by tile; none if that is too much for a whole block."""
        identities, half_ties = self._identities, self._rules.ties == "half"
        assert identities is not None
        camids = self._ids.query_camids[queries]
        outranked = dict[int, Outranked]()

        def count(tile: Tile) -> Outrankings:
            return outranking_in(tile, identities, camids[tile.queries], half_ties)

        for rows, outrankings in self._tiles(block, matches, hide, count):
            if rows.start not in outranked:
                outranked[rows.start] = Outranked(identities, matches, rows, camids[rows])
            outranked[rows.start].add(outrankings)
            if sum(some.size for some in outranked.values()) > MOST_ENTRIES and block.size > 1:
                return []
        return list(outranked.values())

    def _single_shot(self, outranked: Outranked) -> Scores:
        starts = outranked.starts
        return single_shot(outranked.outranking(), starts[:-1][np.diff(starts) > 0], self._rules.ap)

    def _tiles(
        self, block: Block, matches: Matches, hide: Hide, work: Callable[[Tile], T]
    ) -> Iterator[tuple[slice, T]]:
        """Yield the queries of each tile, and what `work` makes of it."""
        too_close = list[slice]()

        def worked(part: Part, rows: slice) -> T:
            if not too_close:
                tile = Tile(part, matches, rows, hide)
                if tile.most_open <= part.most_open:
                    return work(tile)
                too_close.append(rows)  # what is left of the block probably is, too
            return work(Tile(part.in_doubles(), matches, rows, hide))

        tiles = list[slice]()
        for part in block.parts(self._order):
            tiles = tiles or self._shares(block.size, TILE_VALUES // len(part.columns))
            for rows, result in zip(tiles, self._map(partial(worked, part), tiles), strict=True):
                yield rows, result
                if self._progress is not None:
                    self._compared += (rows.stop - rows.start) * len(part.columns)
                    done = self._before + self._compared / len(self._order)
                    self._progress(done / len(self._ids.query_pids))

    def _map(self, work: Callable[[S], T], shares: list[S]) -> Iterator[T]:
        """Do the work on each share: in threads, if there are several."""
        return self._pool.map(work, shares) if self._threads > 1 else map(work, shares)

    def _shares(self, queries: int, most: int) -> list[slice]:
        """Return slices of the queries, about `most` in each, as many for every thread."""
        rounds = -(-queries // (max(1, most) * self._threads))
        return list(blocks(queries, -(-queries // (rounds * self._threads))))


class _Hide:
    """Makes infinite what a query must not see: its own images, and those of its camera."""

    def __init__(
        self, ids: ImageIds, rules: Rules, queries: slice, own: OwnImages, places: Ids
    ) -> None:
        """places (G,): of the images in the order in which the gallery is gone through."""
        self._all_places = places
        of_own = places[own.columns]
        order = np.argsort(of_own, kind="stable")
        self._places, self._rows = of_own[order], own.rows[order]
        self._cameras = None
        if rules.separate_cameras:
            self._cameras = ids.query_camids[queries], ids.gallery_camids

    def __call__(self, values: Values, part: Part, start: int, stop: int) -> None:
        first = self._all_places[part.columns[0]]
        some = slice(*np.searchsorted(self._places, [first, first + len(part.columns)]))
        rows, places = self._rows[some], self._places[some] - first
        here = (rows >= start) & (rows < stop)
        values[rows[here] - start, places[here]] = np.inf
        if self._cameras is not None:
            queries, gallery = self._cameras
            same = queries[start:stop, None] == gallery[part.columns]
            same[queries[start:stop] == UNKNOWN_CAMERA] = False  # that of no image
            values[same] = np.inf
