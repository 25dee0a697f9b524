"""By which chances the identities of a gallery outrank true matches, if one image each is drawn."""

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.closer import Matches, Tile, closer_of_each
from crossres.benchmark.metrics.expectation import Outranking
from crossres.benchmark.metrics.own_images import UNKNOWN_CAMERA, Ids, ImageIds

Entries = tuple[Ids, Ids, Ids]
"""(E,) matches, identities, and how many images of the identity are closer, in halves."""


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
        self._chances, places = np.unique(-halves, return_inverse=True)
        self._places = places.reshape(-1)

    def places(self, camids: Ids, identities: Ids, halves: Ids) -> Ids:
        """Return (E,) the place of each chance among all that there are, the largest first.

        camids (E,): of the query; halves (E,): how many images are closer, in halves.
        """
        sizes = self._by_camera[UNKNOWN_CAMERA][identities]
        if self._separate:
            for camid, of_camera in self._by_camera.items():
                some = camids == camid
                sizes[some] = of_camera[identities[some]]
        return np.asarray(self._places[self._firsts[np.searchsorted(self._sizes, sizes)] + halves])

    def chances(self, places: Ids) -> NDArray[np.float64]:
        """Return the chances at these places."""
        return np.asarray(-self._chances[places])

    def split_by(self, columns: Ids) -> Ids:
        """Return the identities that have images before or after `columns` of `order`, too."""
        ends = self.of_image[columns[[0, -1]]]
        here = [np.count_nonzero(self.of_image[columns] == identity) for identity in ends]
        return np.asarray(ends[np.array(here) < self._by_camera[UNKNOWN_CAMERA][ends]])

    @property
    def kinds(self) -> int:
        """How many different chances there are."""
        return len(self._chances)


class Outranked:
    """Collects who outranks the matches of a block; an identity may come in several parts."""

    def __init__(self, identities: Identities, matches: Matches, camids: Ids) -> None:
        """camids (R,): of the queries."""
        self._identities, self._matches = identities, matches
        self._camids = camids[matches.rows]
        self._keys, self._split = list[Ids](), list[Entries]()
        self.size = 0

    def add(self, entries: Entries, split: Ids) -> None:
        """Take up entries of a part; `split` identities come in other parts, too."""
        matches, identities, halves = entries
        parted = np.isin(identities, split)
        if parted.any():
            self._split.append((matches[parted], identities[parted], halves[parted]))
            matches, identities, halves = (some[~parted] for some in entries)
        self._keys.append(self._key(matches, identities, halves))
        self.size += len(parted)

    def outranking(self) -> Outranking:
        """Put together what was collected."""
        if self._split:
            matches, identities, halves = map(np.concatenate, zip(*self._split, strict=True))
            pairs, inverse = np.unique(
                matches * self._identities.count + identities, return_inverse=True
            )
            sums = np.bincount(inverse.reshape(-1), weights=halves).astype(np.int64)
            self._keys.append(self._key(*np.divmod(pairs, self._identities.count), sums))
        keys = np.concatenate([np.empty(0, np.int64), *self._keys])
        keys, times = np.unique(keys, return_counts=True)
        matches, places = np.divmod(keys, self._identities.kinds)
        starts = np.searchsorted(matches, np.arange(len(self._matches.rows) + 1))
        return Outranking(starts, self._identities.chances(places), times)

    def _key(self, matches: Ids, identities: Ids, halves: Ids) -> Ids:
        places = self._identities.places(self._camids[matches], identities, halves)
        return matches * self._identities.kinds + places


def outranking_in(tile: Tile, identities: Identities, half_ties: bool) -> Entries:
    """Find which identities of a tile have images closer than a match, and how many."""
    of_image = identities.of_image[tile.part.columns]
    entries: list[Entries] = []
    for row, images, first, second in closer_of_each(tile, half_ties):
        some = tile.matches.of(row)
        # Identities follow one another in a part.
        present, group = np.unique(of_image[images], return_inverse=True)
        width = some.stop - some.start + 1
        places, size = group.reshape(-1) * width, len(present) * width
        halves = np.bincount(places + first, minlength=size)
        halves += halves if second is first else np.bincount(places + second, minlength=size)
        halves = np.cumsum(halves.reshape(-1, width), axis=1)[:, :-1]
        identity, match = np.nonzero(halves)
        entries.append((some.start + match, present[identity], halves[identity, match]))
    if not entries:
        return (np.empty(0, np.int64),) * 3
    return tuple(map(np.concatenate, zip(*entries, strict=True)))  # type: ignore[return-value]
