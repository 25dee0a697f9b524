"""Passes over the values of queries and images: what is counted there, in numpy.

Rows are queries, columns images, smaller values closer. Query r has the matches from starts[r] to
starts[r + 1], closest first; each has a limit `near`, below which a value is surely closer, and a
limit `far`, above which it is surely not. `compiled_passes` has the same functions, quicker.
"""

import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.own_images import Ids

Values = NDArray[Any]
Vector = NDArray[np.float64]
Points = NDArray[np.float32] | NDArray[np.float64]

LANES = 64
PAIRS_BYTES = 2**19
NUMBERS_AT_ONCE, SUMS_AT_ONCE = 2**20, 2**16
MOST_OPEN, MOST_SUMMED = 0.03, 256
WORTH_COMPILED = 10**7  # pairs: below, to load numba takes longer than it saves


def passes_for(pairs: int) -> "Passes":
    """Return the passes to use for so many pairs of queries and images.

    Those in numpy where numba is absent, or cannot be loaded: it often does not fit a new numpy.
    """
    if pairs >= WORTH_COMPILED:
        with suppress(Exception):  # each mismatch raises something else
            return cast(Passes, import_module("crossres.benchmark.metrics.compiled_passes"))
    return cast(Passes, sys.modules[__name__])


class OpenPairs(NamedTuple):
    """Pairs (n,) of queries and images, by query, whose values leave open what is closer.

    The image may be closer than a match before number `at_most` of the query; from there on it
    surely is.
    """

    rows: Ids
    places: Ids
    at_most: Ids


class ClosestMatches(NamedTuple):
    """Pairs (n,), by query and image, that are settled: from which matches on it is closer.

    Each of `first` and `second` counts for a half.
    """

    rows: Ids
    places: Ids
    first: Ids
    second: Ids


class Groups(NamedTuple):
    """Columns by identity: S of them, from borders to borders (S + 1,); their chances are numbered.

    A query r to whom c halves of the images of identity s are closer has the chance number
    table[bases[base_row[r], s] + c], of `kinds` in all; `split` (S,): it has images elsewhere, too.
    """

    identities: Ids
    borders: Ids
    base_row: Ids
    bases: Ids
    table: Ids
    kinds: int
    split: NDArray[np.bool_]


class Outrankings(NamedTuple):
    """(E,) match, number of the chance, and how many identities outrank the match by it.

    And (F,) match, identity and halves closer of identities that are split.
    """

    matches: Ids
    chances: Ids
    times: Ids
    split_matches: Ids
    split_identities: Ids
    split_halves: Ids


class Passes(Protocol):
    """The functions of this module, or of `compiled_passes`.

    MOST_OPEN: which share of pairs may be open before float64 products are sooner than to settle
    them one by one. MOST_SUMMED: how many numbers to add up in one float32 sum.
    """

    @property
    def MOST_OPEN(self) -> float:
        """See above."""

    @property
    def MOST_SUMMED(self) -> int:
        """See above."""

    def values(self, sums: Values, halves: Values, out: Values) -> None:
        """See below."""

    def counts(self, values: Values, starts: Ids, near: Values, far: Values) -> tuple[Ids, Ids]:
        """See below."""

    def open_pairs(
        self, values: Values, starts: Ids, limits: tuple[Values, Values], counts: tuple[Ids, Ids]
    ) -> OpenPairs:
        """See below."""

    def outrankings(
        self, values: Values, starts: Ids, near: Values, settled: ClosestMatches, groups: Groups
    ) -> Outrankings:
        """See below."""

    def sums(self, values: Vector, places: Ids, times: Ids, starts: Ids) -> Vector:
        """See below."""

    def rank_cdf(self, chances: Vector, times: Ids, starts: Ids, length: int) -> Vector:
        """See below."""

    def squared_gaps(self, left: Points, right: Points, rows: Ids, columns: Ids) -> Vector:
        """See below."""


def values(sums: Values, halves: Values, out: Values) -> None:
    """Turn out (r, c) to halves (c,) less the sum of it and of sums (S, r, c), all float32."""
    for more in sums:
        out += more
    np.subtract(halves, out, out=out)


def counts(values: Values, starts: Ids, near: Values, far: Values) -> tuple[Ids, Ids]:
    """Return (n,) how many values are below `near` of each match, and how many up to `far`."""
    below, up_to = np.zeros(len(near), np.int64), np.zeros(len(near), np.int64)
    farthest = np.full(len(values), -np.inf, values.dtype)
    has = np.flatnonzero(np.diff(starts))
    farthest[has] = far[starts[has + 1] - 1]
    rows = np.flatnonzero(values.min(axis=1, initial=np.inf) <= farthest)
    ordered = values[rows]
    ordered.sort(axis=1)
    for row, of_row in zip(rows.tolist(), ordered, strict=True):
        some = slice(starts[row], starts[row + 1])
        below[some] = of_row.searchsorted(near[some], "left")
        up_to[some] = of_row.searchsorted(far[some], "right")
    return below, up_to


def open_pairs(
    values: Values, starts: Ids, limits: tuple[Values, Values], counts: tuple[Ids, Ids]
) -> OpenPairs:
    """Find the pairs that `counts` counts up to the far limit of a match and not to the near."""
    (near, far), (below, up_to) = limits, counts
    pairs = []
    for row in np.unique(rows_of(starts)[below < up_to]).tolist():
        some = slice(starts[row], starts[row + 1])
        # Each value is named once: in order, those up to the far limit and not before.
        begin = np.maximum(below[some], np.append(0, up_to[some][:-1]))
        lengths = np.maximum(up_to[some] - begin, 0)
        has = np.flatnonzero(lengths)
        indices = ranges(begin[has], lengths[has])
        first, last = starts[row] + has[[0, -1]]
        places = np.flatnonzero((values[row] >= near[first]) & (values[row] <= far[last]))
        order = np.argsort(values[row][places], kind="stable")
        places = places[order[indices - below[first]]]
        at_most = np.searchsorted(below[some], indices, "right")
        pairs.append(OpenPairs(np.full(len(places), row), places, at_most))
    if not pairs:
        return OpenPairs(*[np.empty(0, np.int64)] * 3)
    return OpenPairs(*map(np.concatenate, zip(*pairs, strict=True)))


def outrankings(
    values: Values, starts: Ids, near: Values, settled: ClosestMatches, groups: Groups
) -> Outrankings:
    """Count the identities that outrank each match, by their chances.

    Values below `near` count as closer, but those that are settled as it is said there.
    """
    group = np.repeat(np.arange(len(groups.borders) - 1), np.diff(groups.borders))
    first_settled = np.searchsorted(settled.rows, np.arange(len(values) + 1))
    whole, split = [], []
    for row in np.flatnonzero(np.diff(starts)).tolist():
        some, width = slice(starts[row], starts[row + 1]), int(starts[row + 1] - starts[row] + 1)
        known = slice(first_settled[row], first_settled[row + 1])
        closer = values[row] < near[some][-1]
        closer[settled.places[known]] = False
        places = np.flatnonzero(closer)
        surely = np.searchsorted(near[some], values[row][places], "right")
        halves = 2 * np.bincount(
            group[places] * width + surely, minlength=len(groups.split) * width
        )
        for first in (settled.first[known], settled.second[known]):
            halves += np.bincount(
                group[settled.places[known]] * width + first, minlength=len(halves)
            )
        by_identity = np.cumsum(halves.reshape(-1, width), axis=1)[:, :-1]
        identity, match = np.nonzero(by_identity)
        halves = by_identity[identity, match]
        parted = groups.split[identity]
        split.append(
            (some.start + match[parted], groups.identities[identity[parted]], halves[parted])
        )
        identity, match, halves = (array[~parted] for array in (identity, match, halves))
        bases = groups.bases[groups.base_row[row]]
        keys = match * groups.kinds + groups.table[bases[identity] + halves]
        keys, times = np.unique(keys, return_counts=True)
        match, chance = np.divmod(keys, groups.kinds)
        whole.append((some.start + match, chance, times))
    none = [(np.empty(0, np.int64),) * 3]
    parts = [map(np.concatenate, zip(*(none + arrays), strict=True)) for arrays in (whole, split)]
    return Outrankings(*parts[0], *parts[1])


def sums(values: Vector, places: Ids, times: Ids, starts: Ids) -> Vector:
    """Add up times (E,) x values (K, c) at places (E,), one after the other: (N, c).

    starts (N + 1,): sum n has the entries from starts[n] to starts[n + 1].
    """
    lengths = np.diff(starts)
    order = np.argsort(-lengths, kind="stable")
    out = np.zeros((len(lengths), values.shape[1]))
    step = max(1, SUMS_AT_ONCE // values.shape[1])
    for first in range(0, len(order), step):
        some = order[first : first + step]
        sums = np.zeros((len(some), values.shape[1]))
        for number in range(int(lengths[some[0]])):
            longer = some[: np.searchsorted(-lengths[some], -number, "left")]
            entries = starts[longer] + number
            sums[: len(longer)] += times[entries, None] * values[places[entries]]
        out[some] = sums
    return out


def rank_cdf(chances: Vector, times: Ids, starts: Ids, length: int) -> Vector:
    """Return (N, length) P(X <= k), X the number of trials of a row that succeed.

    Row n has the trials from starts[n] to starts[n + 1]: of chance (E,), and `times` (E,) as often.
    """
    rows = rows_of(starts)
    trials = np.bincount(rows, weights=times, minlength=len(starts) - 1).astype(np.int64)
    cdf = np.empty((len(trials), length))
    order = np.argsort(trials, kind="stable")
    first = 0
    while first < len(order):
        # Rows of about one size together: none has twice as many trials as another.
        fewest = int(trials[order[first]])
        some = order[first : first + max(1, NUMBERS_AT_ONCE // (2 * max(1, fewest) * length))]
        some = some[: int(np.searchsorted(trials[some], 2 * fewest + 1, side="right"))]
        lengths = np.diff(starts)[some]
        entries = ranges(starts[some], lengths)
        repeated = times[entries]
        row = np.repeat(np.repeat(np.arange(len(some)), lengths), repeated)
        padded = np.zeros((len(some), int(trials[some].max())))
        padded[row, np.arange(len(row)) - np.searchsorted(row, row)] = np.repeat(
            chances[entries], repeated
        )
        cdf[some] = _cdf(padded, length).T
        first += len(some)
    return cdf


def _cdf(chances: Vector, length: int) -> Vector:
    """Return (length, n) P(X <= k) for (n, J) chances."""
    mass = np.zeros((length, len(chances)))
    mass[0] = 1.0
    for chance in chances.T:
        moved = mass * chance
        mass -= moved
        mass[1:] += moved[:-1]
    return np.minimum(np.cumsum(mass, axis=0), 1.0)


def squared_gaps(left: Points, right: Points, rows: Ids, columns: Ids) -> Vector:
    """Return the squared distances (n,) of rows `rows` of (Q, D) and `columns` of (G, D).

    Each is a float64 sum of float64 squares in the order of `summed_squares`.
    """
    distances = np.empty(len(rows))
    most = max(1, PAIRS_BYTES // (8 * max(1, left.shape[1])))
    for start in range(0, len(rows), most):
        some = slice(start, start + most)
        gaps = np.subtract(left[rows[some]], right[columns[some]], dtype=np.float64)
        distances[some] = summed_squares(gaps)
    return distances


def summed_squares(rows: Vector) -> Vector:
    """Return the sums (n,) of the squares of float64 rows (n, D), added up in one fixed order.

    Lane l of 64 adds up the squares of numbers l, l + 64, ...; then halves of the lanes are added.
    """
    squares = rows * rows
    whole = squares.shape[1] // LANES * LANES
    lanes = squares[:, :whole].reshape(len(squares), -1, LANES).sum(axis=1)
    lanes[:, : squares.shape[1] - whole] += squares[:, whole:]
    width = LANES
    while width > 1:
        width //= 2
        lanes = lanes[:, :width] + lanes[:, width:]
    return np.asarray(lanes[:, 0])


def rows_of(starts: Ids) -> Ids:
    """Return (n,) the query of each match."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def ranges(starts: Ids, lengths: Ids) -> Ids:
    """Put together the numbers from each start on, as many as its length."""
    ends = np.cumsum(lengths)
    numbers = np.arange(ends[-1] if len(ends) else 0)
    return np.asarray(numbers + np.repeat(starts - (ends - lengths), lengths))
