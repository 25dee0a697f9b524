"""The functions of `passes`, compiled by numba: the same integers, and the same bits, sooner.

Nothing here may be computed by other operations, or in another order, than there: so no fastmath.
"""

import logging
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar, cast

import numpy as np
from numba import config, njit

from crossres.benchmark.metrics.own_images import Ids
from crossres.benchmark.metrics.passes import (
    LANES,
    ClosestMatches,
    Groups,
    OpenPairs,
    Outrankings,
    Points,
    Values,
    Vector,
)

if vars(config)["DISABLE_JIT"]:
    raise ImportError("NUMBA_DISABLE_JIT is set, and Python would take hours for these loops")

MOST_OPEN, MOST_SUMMED = 0.3, 1024
CHUNK = 1024  # of a row: what the nearest cache holds
ASIDE = 8  # scans of a number take as long as to put it aside
COUNTERS = 2**20  # for matches by chances: of so many matches at once

_log = logging.getLogger(__name__)
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function for the types that it is called with; keep it on disk where that goes.

    Where numba cannot read or write its cache (the disk is full, a file of it damaged) the function
    is compiled for this process alone.
    """
    alone = compiled_part(function)
    try:
        kept = njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder can be written to
        return alone
    chosen: Any = kept

    @wraps(function)
    def call(*arguments: Any) -> Any:
        nonlocal chosen
        try:
            return chosen(*arguments)
        except MemoryError:
            raise
        except Exception as error:  # of a damaged file numba raises whatever it stumbles over
            if chosen is alone:
                raise
            chosen = alone
            _tell(kept.stats.cache_path, f"{error}")
            return alone(*arguments)

    return cast(Function, call)


def compiled_part(function: Function) -> Function:
    """Compile a function that compiled functions call, which need it as numba made it."""
    return cast(Function, njit(nogil=True)(function))


@cache
def _tell(folder: str, reason: str) -> None:
    _log.warning(
        "%s: numba cannot keep there what it compiles (%s), so it compiles anew each time; free "
        "some space, or remove the folder",
        folder,
        reason,
    )


def values(sums: Values, halves: Values, out: Values) -> None:
    """See passes."""
    _values(sums, halves, out)


def counts(values: Values, starts: Ids, near: Values, far: Values) -> tuple[Ids, Ids]:
    """See passes."""
    below, up_to = np.empty(len(near), np.int64), np.empty(len(near), np.int64)
    _count(values, starts, near, far, below, up_to)
    return below, up_to


def open_pairs(
    values: Values, starts: Ids, limits: tuple[Values, Values], counts: tuple[Ids, Ids]
) -> OpenPairs:
    """See passes."""
    (near, far), (below, up_to) = limits, counts
    most = min(int((up_to - below).sum()), values.size)
    rows, places, at_most = (np.empty(most, np.int64) for _ in range(3))
    size = _find_open(values, starts, near, far, below < up_to, rows, places, at_most)
    return OpenPairs(rows[:size], places[:size], at_most[:size])


def outrankings(
    values: Values, starts: Ids, near: Values, settled: ClosestMatches, groups: Groups
) -> Outrankings:
    """See passes."""
    order = np.lexsort((settled.places, settled.rows))
    ordered = [array[order] for array in settled]
    arrays: Any = (values, starts, near, *ordered, *groups, COUNTERS)
    whole, split = _outrankings(*arrays)
    return Outrankings(*whole, *split)


def sums(values: Vector, places: Ids, times: Ids, starts: Ids) -> Vector:
    """See passes."""
    out = np.zeros((len(starts) - 1, values.shape[1]))
    _sums(values, places, times, starts, out)
    return out


def rank_cdf(chances: Vector, times: Ids, starts: Ids, length: int) -> Vector:
    """See passes."""
    out = np.zeros((len(starts) - 1, length))
    _rank_cdf(chances, times, starts, out)
    return out


def squared_gaps(left: Points, right: Points, rows: Ids, columns: Ids) -> Vector:
    """See passes."""
    distances = np.empty(len(rows))
    _squared_gaps(left, right, rows, columns, distances)
    return distances


@compiled
def _values(sums: Any, halves: Any, out: Any) -> None:
    for row in range(out.shape[0]):
        for number in range(len(sums)):
            for column in range(out.shape[1]):
                out[row, column] += sums[number, row, column]
        for column in range(out.shape[1]):
            out[row, column] = halves[column] - out[row, column]


@compiled
def _count(values: Any, starts: Any, near: Any, far: Any, below: Any, up_to: Any) -> None:
    closest = np.empty(CHUNK, values.dtype)
    for row in range(len(values)):
        of_row, first, last = values[row], starts[row], starts[row + 1]
        below[first:last] = 0
        up_to[first:last] = 0
        for start in range(0, len(of_row), CHUNK):
            some = of_row[start : start + CHUNK]
            for match in range(last - 1, first - 1, -1):
                limit, possibly = far[match], np.int32(0)
                for column in range(len(some)):
                    possibly += np.int32(some[column] <= limit)
                if not possibly:  # the limits of the matches before this one are nearer
                    break
                limit, surely = near[match], np.int32(0)
                for column in range(len(some)):
                    surely += np.int32(some[column] < limit)
                below[match] += surely
                up_to[match] += possibly
                farther = len(some) - possibly  # than this match, so than those before it
                if (match - first) * farther > ASIDE * len(some):
                    limit, size = far[match], np.int64(0)
                    for column in range(len(some)):
                        closest[size] = some[column]
                        size += np.int64(some[column] <= limit)
                    some = closest[:size]


@compiled
def _find_open(
    values: Any, starts: Any, near: Any, far: Any, is_open: Any, rows: Any, places: Any, most: Any
) -> Any:
    size = 0
    marks = np.empty(values.shape[1], np.uint8)
    for row in range(len(values)):
        of_row, first, last = values[row], starts[row], starts[row + 1]
        if not is_open[first:last].any():
            continue
        marks[:] = 0
        for match in range(first, last):
            if is_open[match]:
                close, farther = near[match], far[match]
                for column in range(len(of_row)):
                    inside = (of_row[column] >= close) & (of_row[column] <= farther)
                    marks[column] |= np.uint8(inside)
        for column in range(len(of_row)):
            if marks[column]:
                rows[size], places[size] = row, column
                most[size] = _first_beyond(near, first, last, of_row[column])
                size += 1
    return size


@compiled_part
def _first_beyond(near: Any, first: Any, last: Any, value: Any) -> Any:
    """Return how many limits from first to last are not beyond the value."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if near[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low - first


@compiled
def _outrankings(
    values: Any, starts: Any, near: Any,
    settled_rows: Any, settled_places: Any, firsts: Any, seconds: Any,
    identities: Any, borders: Any, base_row: Any, bases: Any, table: Any, kinds: Any, split: Any,
    counters: Any,
) -> Any:  # fmt: skip
    whole = (np.empty(1024, np.int64), np.empty(1024, np.int64), np.empty(1024, np.int64))
    parted = (np.empty(1024, np.int64), np.empty(1024, np.int64), np.empty(1024, np.int64))
    size = parted_size = 0
    longest = 0
    for row in range(len(values)):
        longest = max(longest, starts[row + 1] - starts[row])
    at_once = max(1, min(longest, counters // max(1, kinds)))
    times = np.zeros((at_once, kinds), np.int64)
    present = np.empty((at_once, kinds), np.int64)
    presents = np.zeros(at_once, np.int64)
    after = 0
    for row in range(len(values)):
        of_row, before = values[row], after
        while after < len(settled_rows) and settled_rows[after] == row:
            of_row[settled_places[after]] = np.inf
            after += 1
        for first in range(starts[row], starts[row + 1], at_once):
            last = min(first + at_once, starts[row + 1])
            at = before
            for group in range(len(borders) - 1):
                begin, end = borders[group], borders[group + 1]
                known = at
                while known < after and settled_places[known] < end:
                    known += 1
                base, of_group = bases[base_row[row], group], of_row[begin:end]
                for match in range(last - 1, first - 1, -1):
                    limit, closer = near[match], np.int32(0)
                    for column in range(len(of_group)):
                        closer += np.int32(of_group[column] < limit)
                    halves = 2 * np.int64(closer)
                    for settled in range(at, known):
                        halves += np.int64(firsts[settled] <= match - starts[row])
                        halves += np.int64(seconds[settled] <= match - starts[row])
                    if not halves:  # the matches before this one are closer
                        break
                    if split[group]:
                        if parted_size == len(parted[0]):
                            parted = _longer(parted)
                        parted[0][parted_size] = match
                        parted[1][parted_size] = identities[group]
                        parted[2][parted_size] = halves
                        parted_size += 1
                    else:
                        index, chance = match - first, table[base + halves]
                        if not times[index, chance]:
                            present[index, presents[index]] = chance
                            presents[index] += 1
                        times[index, chance] += 1
                at = known
            for index in range(last - first):
                for chance in np.sort(present[index, : presents[index]]):
                    if size == len(whole[0]):
                        whole = _longer(whole)
                    whole[0][size] = first + index
                    whole[1][size] = chance
                    whole[2][size] = times[index, chance]
                    times[index, chance] = 0
                    size += 1
                presents[index] = 0
    return (
        (whole[0][:size], whole[1][:size], whole[2][:size]),
        (parted[0][:parted_size], parted[1][:parted_size], parted[2][:parted_size]),
    )


@compiled_part
def _longer(arrays: Any) -> Any:
    """Return copies with room for twice as many."""
    size = len(arrays[0])
    longer = (
        np.empty(2 * size, np.int64), np.empty(2 * size, np.int64), np.empty(2 * size, np.int64),
    )  # fmt: skip
    for old, new in zip(arrays, longer):  # noqa: B905
        new[:size] = old
    return longer


@compiled
def _squared_gaps(left: Any, right: Any, rows: Any, columns: Any, distances: Any) -> None:
    width = left.shape[1]
    whole = width // LANES * LANES
    lanes = np.empty(LANES)
    for pair in range(len(rows)):
        a, b = left[rows[pair]], right[columns[pair]]
        lanes[:] = 0.0
        for start in range(0, whole, LANES):
            for lane in range(LANES):
                gap = np.float64(a[start + lane]) - np.float64(b[start + lane])
                lanes[lane] += gap * gap
        for lane in range(width - whole):
            gap = np.float64(a[whole + lane]) - np.float64(b[whole + lane])
            lanes[lane] += gap * gap
        half = LANES
        while half > 1:
            half //= 2
            for lane in range(half):
                lanes[lane] += lanes[lane + half]
        distances[pair] = lanes[0]


@compiled
def _sums(values: Any, places: Any, times: Any, starts: Any, out: Any) -> None:
    for row in range(len(out)):
        for entry in range(starts[row], starts[row + 1]):
            place, time = places[entry], times[entry]
            for column in range(out.shape[1]):
                out[row, column] += time * values[place, column]


@compiled
def _rank_cdf(chances: Any, times: Any, starts: Any, out: Any) -> None:
    length = out.shape[1]
    mass, moved = np.empty(length), np.empty(length)
    for row in range(len(out)):
        mass[:] = 0.0
        mass[0] = 1.0
        for entry in range(starts[row], starts[row + 1]):
            chance = chances[entry]
            for _ in range(times[entry]):
                for rank in range(length):
                    moved[rank] = mass[rank] * chance
                    mass[rank] -= moved[rank]
                for rank in range(1, length):
                    mass[rank] += moved[rank - 1]
        total = 0.0
        for rank in range(length):
            total += mass[rank]
            out[row, rank] = min(total, 1.0)
