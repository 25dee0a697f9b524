"""By which chances the identities of a gallery outrank true matches, if one image each is drawn."""

from collections.abc import Sequence

import numpy as np

from crossres.benchmark.metrics.closer import Matches, Tile
from crossres.benchmark.metrics.expectation import Outranking
from crossres.benchmark.metrics.own_images import UNKNOWN_CAMERA, Ids, ImageIds
from crossres.benchmark.metrics.passes import ClosestMatches, Groups, Outrankings

MERGED_FROM = 2**18  # entries: more are put together as they come


class Identities:
    """The identities of a gallery: J of them, and how many images of each a query may see."""

    def __init__(self, ids: ImageIds, separate_cameras: bool) -> None:
        """Number the identities by pid; junk has none."""
        self.order = ids.gallery_by_pid
        numbers = np.unique(ids.gallery_pids[self.order], return_inverse=True)[1].reshape(-1)
        self.of_image = np.full(len(ids.gallery_pids), -1)
        self.of_image[self.order] = numbers
        self.count = int(numbers.max(initial=-1)) + 1
        everywhere = np.bincount(numbers, minlength=self.count)
        self._by_camera = {UNKNOWN_CAMERA: everywhere}
        if separate_cameras:
            cameras = ids.gallery_camids[self.order]
            for camid in np.unique(ids.query_camids[ids.query_camids != UNKNOWN_CAMERA]).tolist():
                there = np.bincount(numbers[cameras == camid], minlength=self.count)
                self._by_camera[camid] = everywhere - there
        self._separate = separate_cameras
        # Halves of all sizes, and the order of their chances; equal ones have the same place.
        self._sizes = np.unique(np.concatenate(list(self._by_camera.values())))
        self._sizes = self._sizes[self._sizes > 0]
        self._firsts = np.concatenate([[0], np.cumsum(2 * self._sizes + 1)])
        halves = np.concatenate(
            [np.empty(0), *(np.arange(2 * size + 1) / 2 / size for size in self._sizes)]
        )
        chances, places = np.unique(-halves, return_inverse=True)
        self.chances = -chances
        self._places = places.reshape(-1)

    def groups(self, columns: Ids, camids: Ids) -> Groups:
        """Return the identities of `columns` of `order`, and the numbers of their chances.

        camids (R,): of the queries.
        """
        of_column = self.of_image[columns]
        borders = np.flatnonzero(np.diff(of_column, prepend=-1, append=-1))
        identities = of_column[borders[:-1]]
        bases = {camid: self._bases(camid, identities) for camid in self._by_camera}
        # One row of bases for each camera: the same memory for all of its queries.
        rows = {camid: row for row, camid in enumerate(bases)}
        base_row = np.array([rows.get(camid, rows[UNKNOWN_CAMERA]) for camid in camids.tolist()])
        split = np.diff(borders) < self._by_camera[UNKNOWN_CAMERA][identities]
        numbers = np.stack(list(bases.values())), self._places, self.kinds
        return Groups(identities, borders, base_row, *numbers, split)

    def places(self, camids: Ids, identities: Ids, halves: Ids) -> Ids:
        """Return (E,) the place of each chance among all that there are, the largest first.

        camids (E,): of the query; halves (E,): how many images are closer, in halves.
        """
        bases = self._bases(UNKNOWN_CAMERA, identities)
        for camid in self._by_camera:
            some = camids == camid
            bases[some] = self._bases(camid, identities[some])
        return np.asarray(self._places[bases + halves])

    def _bases(self, camid: int, identities: Ids) -> Ids:
        """Return where the chances of identities begin, for queries of a camera."""
        sizes = self._by_camera[camid][identities]
        return np.asarray(self._firsts[np.searchsorted(self._sizes, sizes)])

    @property
    def kinds(self) -> int:
        """How many different chances there are."""
        return len(self.chances)


class Outranked:
    """Collects who outranks the matches of some queries; an identity may come in several parts.

    starts (R + 1,): of the matches of each query, from 0.
    """

    def __init__(
        self, identities: Identities, matches: Matches, queries: slice, camids: Ids
    ) -> None:
        """camids (R,): of these queries."""
        starts = matches.starts[queries.start : queries.stop + 1]
        self.starts, self.size, self._merged = starts - starts[0], 0, 0
        self._identities, self._passes = identities, matches.block.passes
        self._camids = np.repeat(camids, np.diff(starts))
        self._whole, self._split = list[tuple[Ids, Ids]](), list[tuple[Ids, Ids]]()

    def add(self, tile: Outrankings) -> None:
        """Take up those of a part of the gallery."""
        self._whole.append((self._key(tile.matches, tile.chances), tile.times))
        pairs = tile.split_matches * self._identities.count + tile.split_identities
        self._split.append((pairs, tile.split_halves))
        self.size += len(tile.matches)
        if self.size > 2 * self._merged + MERGED_FROM:
            self._whole = [_summed(self._whole)]
            self._merged = self.size = len(self._whole[0][0])

    def outranking(self) -> Outranking:
        """Put together what was collected."""
        pairs, halves = _summed(self._split)
        matches, identities = np.divmod(pairs, self._identities.count)
        places = self._identities.places(self._camids[matches], identities, halves)
        joined = self._key(matches, places), np.ones(len(places), np.int64)
        keys, times = _summed([*self._whole, joined])
        matches, places = np.divmod(keys, self._identities.kinds)
        starts = np.searchsorted(matches, np.arange(len(self._camids) + 1))
        return Outranking(starts, places, times, self._identities.chances, self._passes)

    def _key(self, matches: Ids, places: Ids) -> Ids:
        return matches * self._identities.kinds + places


def _summed(counted: Sequence[tuple[Ids, Ids]]) -> tuple[Ids, Ids]:
    """Return the different keys, ascending, and the sum of what is counted of each."""
    keys, counts = map(np.concatenate, zip(*counted, strict=True))
    order = np.argsort(keys, kind="stable")  # quick for what is in order tile by tile
    keys = keys[order]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[firsts], np.add.reduceat(counts[order], firsts) if len(keys) else counts


def outranking_in(tile: Tile, identities: Identities, camids: Ids, half_ties: bool) -> Outrankings:
    """Find which identities of a tile have images closer than a match, and how many.

    camids (R,): of the queries of the tile.
    """
    pairs = tile.open_pairs()
    before = tile.settle(pairs)
    first = before.closer if half_ties else before.in_order
    second = before.up_to if half_ties else before.in_order
    settled = ClosestMatches(pairs.rows, pairs.places, first, second)
    return tile.outrankings(settled, identities.groups(tile.part.columns, camids))
