"""Numbers of feature rows: equal rows, and only these, have the same one.

Rows are hashed in whole numbers, which have no order of summation and no rounding, and rows of one
hash are compared number by number. So the hash decides how long it takes, never what comes out. It
is the sum of the words of a row, each times an odd number of its own, modulo 2^64.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.comparisons import blocks
from crossres.benchmark.metrics.own_images import Ids

Words = NDArray[np.uint64]

PIECE_BYTES = 2**20
SEED = 0
# Numbers near 1 end in zeros, of which a product would keep as many: the highest bits, sign and
# exponent, come down to them first.
SHIFT = np.uint64(40)


def row_numbers(arrays: Sequence[NDArray[Any]]) -> Ids:
    """Number the rows of arrays (N, D), one array after the other: 0, 1, ... as they first appear.

    Rows are equal if they are the same bits in the common type of all arrays, float32 at least and
    float64 at most; 0.0 equals -0.0.
    """
    kind = np.result_type(np.float32, *arrays)
    if kind.itemsize > 8:  # longer floats have bytes that mean nothing; distances are float64
        kind = np.dtype(np.float64)
    hashes = np.concatenate([_hashes(rows, kind) for rows in arrays])
    firsts = np.arange(len(hashes))
    left = firsts
    while len(left):
        later, earlier = _behind(hashes, left)
        equal = _equal(arrays, kind, later, earlier)
        firsts[later[equal]] = earlier[equal]
        left = later[~equal]
    return np.asarray((np.cumsum(firsts == np.arange(len(firsts))) - 1)[firsts])


def multipliers(width: int) -> Words:
    """Return the odd numbers (width,) by which words are multiplied."""
    return np.random.PCG64(SEED).random_raw(width) | np.uint64(1)


def _hashes(rows: NDArray[Any], kind: np.dtype[Any]) -> Words:
    hashes = np.empty(len(rows), np.uint64)
    for some in _pieces(len(rows), rows, kind):
        words = _words(rows[some], kind)
        words ^= words >> SHIFT
        np.einsum("nw,w->n", words, multipliers(words.shape[1]), out=hashes[some])
    return hashes


def _behind(hashes: Words, rows: Ids) -> tuple[Ids, Ids]:
    """Return those of some rows that have the hash of an earlier one, and the first such each."""
    _, firsts, groups = np.unique(hashes[rows], return_index=True, return_inverse=True)
    earlier = firsts[groups]
    behind = np.flatnonzero(earlier != np.arange(len(rows)))
    return rows[behind], rows[earlier[behind]]


def _equal(
    arrays: Sequence[NDArray[Any]], kind: np.dtype[Any], left: Ids, right: Ids
) -> NDArray[np.bool_]:
    """Return (n,) whether rows `left` and `right`, counted through all arrays, are equal."""
    equal = np.empty(len(left), np.bool_)
    for some in _pieces(len(left), arrays[0], kind):
        words = (_words(_chosen(arrays, kind, rows[some]), kind) for rows in (left, right))
        equal[some] = np.equal(*words).all(axis=1)
    return equal


def _chosen(arrays: Sequence[NDArray[Any]], kind: np.dtype[Any], rows: Ids) -> NDArray[Any]:
    chosen = np.empty((len(rows), arrays[0].shape[1]), kind)
    for array in arrays:
        here = np.flatnonzero((rows >= 0) & (rows < len(array)))
        chosen[here] = array[rows[here]]
        rows = rows - len(array)
    return chosen


def _words(rows: NDArray[Any], kind: np.dtype[Any]) -> Words:
    """Return rows (n, D) in another type as words (n, W) of 64 bits, the last filled with zeros."""
    per_word = 8 // kind.itemsize
    filled = np.empty((len(rows), -(-rows.shape[1] // per_word) * per_word), kind)
    filled[:, rows.shape[1] :] = 0
    # -0.0 + 0.0 is 0.0.
    np.add(rows, kind.type(0), out=filled[:, : rows.shape[1]], dtype=kind, casting="same_kind")
    return filled.view(np.uint64)


def _pieces(count: int, rows: NDArray[Any], kind: np.dtype[Any]) -> Iterator[slice]:
    """Yield slices of 0 to `count`, of as many rows in another type as a cache holds."""
    return blocks(count, PIECE_BYTES // max(1, kind.itemsize * rows.shape[1]))
