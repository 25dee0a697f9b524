"""The p-values of all pairs of many rows at once: those of `difference`, to the last bit.

Forty rows have 780 pairs in each column, and each pair asks for the influence of all identities in
all seeds. Rows that were tested on the same identities are computed together, as arrays: the same
operations in the same order, so that a table's marks do not depend on how many rows it has.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from crossres.benchmark.stats.paired import NOTHING, UNRESOLVED, Values, difference
from crossres.benchmark.stats.sample import Sample, TrialId

Pair = tuple[int, int]
Floats = NDArray[np.float64]


def p_values(rows: Sequence[Values], on: str | None = None) -> dict[Pair, float]:
    """Return (i, j), i < j -> the p-value of `difference` of two rows; without those of none.

    `on` is one data set, as there.
    """
    groups: list[list[int]] = []
    for index, row in enumerate(rows):
        alike = (group for group in groups if _are_alike(rows[group[0]], row, on))
        group = next(alike, None)
        if group is None:
            groups.append([index])
        else:
            group.append(index)
    tests: dict[Pair, float] = {}
    for group in groups:
        tests |= _within_group([rows[index] for index in group], group, on)
    group_of = {index: number for number, group in enumerate(groups) for index in group}
    for i, j in combinations(range(len(rows)), 2):
        if group_of[i] != group_of[j]:
            gap = difference(rows[i], rows[j], on=on)
            if gap is not None and gap.p is not None:
                tests[i, j] = gap.p
    return dict(sorted(tests.items()))


def _are_alike(left: Values, right: Values, on: str | None) -> bool:
    """Say whether two rows have the same trials, and in each the same identities, two or more."""
    if not (isinstance(left, Sample) and isinstance(right, Sample)):
        return False
    trials = _trials(left, on)
    if trials != _trials(right, on):
        return False
    for trial in trials:
        a, b = left.queries.get(trial), right.queries.get(trial)
        if a is None or b is None or a.pids is None or b.pids is None or a.identities < 2:
            return False
        if (a.dataset, a.count) != (b.dataset, b.count):
            return False
        if a.pids is not b.pids and not np.array_equal(a.pids, b.pids):
            return False
    return True


def _trials(row: Values, on: str | None) -> list[TrialId]:
    return sorted(trial for trial in row if on in (None, trial[0]))


@dataclass(frozen=True)
class _Drawn:
    """What `paired.Drawn` says, of all pairs (P,); what depends on no pair once."""

    whole: Floats
    beyond: Floats
    freedom: int
    step: float


def _within_group(
    rows: Sequence[Values], indices: Sequence[int], on: str | None
) -> dict[Pair, float]:
    """Return the p-values of all pairs of rows that are alike; `indices` name the rows."""
    trials = _trials(rows[0], on)
    columns: dict[str, list[int]] = defaultdict(list)
    for place, (name, _) in enumerate(trials):
        columns[name].append(place)
    freedom = min(map(len, columns.values()), default=0) - 1
    if len(rows) < 2 or freedom < 1:
        return {}
    samples = [row for row in rows if isinstance(row, Sample)]
    left, right = np.triu_indices(len(rows), 1)
    values = np.array([[row[trial] for trial in trials] for row in rows])
    gaps: Floats = values[left] - values[right]
    means = [[math.fsum(p[c] for c in places) / len(places) for places in columns.values()]
             for p in gaps.tolist()]  # fmt: skip
    sizes = np.array([abs(math.fsum(by_set) / len(columns)) for by_set in means])
    variance = _between_seeds(gaps, np.array(means), trials, columns)
    drawn = _drawn(samples, trials, columns, left, right)
    deviation = np.sqrt(variance * (freedom + 1))
    differ = (np.abs(gaps) > NOTHING).any(axis=1)
    deviation[differ] = np.maximum(deviation[differ], drawn.step * UNRESOLVED)
    p = np.ones(len(sizes))
    is_tested = (sizes > NOTHING) & ~((deviation == 0) & (drawn.whole == 0))
    p[is_tested] = _levels(
        sizes[is_tested],
        deviation[is_tested],
        freedom,
        _Drawn(drawn.whole[is_tested], drawn.beyond[is_tested], drawn.freedom, drawn.step),
    )
    pairs = ((indices[i], indices[j]) for i, j in zip(left.tolist(), right.tolist(), strict=True))
    return dict(zip(pairs, p.tolist(), strict=True))


def _between_seeds(
    gaps: Floats,
    means: Floats,
    trials: Sequence[TrialId],
    columns: dict[str, list[int]],
) -> Floats:
    """Return `paired._between_seeds` of gaps (P, T) whose means by column are (P, C)."""
    seeds = {seed: place for place, seed in enumerate(sorted({seed for _, seed in trials}))}
    shares = np.zeros((len(gaps), len(seeds)))
    for column, places in enumerate(columns.values()):
        count = len(places)
        for place in places:
            off_mean = gaps[:, place] - means[:, column]
            share = off_mean / math.sqrt(count * (count - 1)) / len(columns)
            shares[:, seeds[trials[place][1]]] += share
    variances = [math.fsum(share**2 for share in by_seed) for by_seed in shares.tolist()]
    return np.array([variance if variance > NOTHING**2 else 0.0 for variance in variances])


def _drawn(
    rows: Sequence[Sample],
    trials: Sequence[TrialId],
    columns: dict[str, list[int]],
    left: NDArray[np.intp],
    right: NDArray[np.intp],
) -> _Drawn:
    """Return `paired._drawn` of all pairs."""
    by_data: dict[str, dict[int, list[TrialId]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        by_data[rows[0].queries[trial].dataset][trial[1]].append(trial)
    total, beyond = np.zeros(len(left)), np.zeros(len(left))
    weights = {trial: 1 / (len(columns[trial[0]]) * len(columns)) for trial in trials}
    cells = rows[0].queries
    for by_seed in by_data.values():
        of_data = [trial for some in by_seed.values() for trial in some]
        whole = _Sum([_pids(rows[0], trial) for trial in of_data], len(left))
        within = np.empty((len(left), len(by_seed)))
        for place, some in enumerate(by_seed.values()):
            of_seed = _Sum([_pids(rows[0], trial) for trial in some], len(left))
            for trial in some:
                influence = np.array([row.queries[trial].influence for row in rows])
                part = weights[trial] * (influence[left] - influence[right])
                whole.add(part)
                of_seed.add(part)
            within[:, place] = of_seed.squares()
        identities = min(cells[trial].identities for trial in of_data)
        small = identities / max(1, identities - 1)
        together = small * whole.squares()
        of_seeds = small * np.array([math.fsum(squares) for squares in within.tolist()])
        shared = np.maximum(0.0, together - of_seeds) * len(by_seed) / (len(by_seed) - 1)
        step = math.fsum(weights[trial] / cells[trial].count for trial in of_data) ** 2
        total, beyond = total + together + step, beyond + shared + step
    fewest = min(cells[trial].identities for trial in trials)
    finest = min(1 / cells[trial].count for trial in trials) / len(columns)
    return _Drawn(total, beyond, max(1, fewest - 1), finest)


def _pids(row: Sample, trial: TrialId) -> NDArray[np.int64]:
    pids = row.queries[trial].pids
    assert pids is not None  # of rows that are alike
    return pids


class _Sum:
    """Influences of all pairs summed by identity, in the order and the way of `sample._summed`."""

    def __init__(self, pids: Sequence[NDArray[np.int64]], pairs: int) -> None:
        self.sum: Floats | None = None
        self.places: list[NDArray[np.intp]] = []
        if any(not np.array_equal(pids[0], some) for some in pids[1:]):
            distinct, inverse = np.unique(np.concatenate(pids), return_inverse=True)
            self.places = np.split(inverse, np.cumsum([len(some) for some in pids])[:-1])[::-1]
            self.sum = np.zeros((pairs, len(distinct)))

    def add(self, part: Floats) -> None:
        """Add the influences (P, I) of the next cell."""
        if self.sum is None:
            self.sum = part.copy()
        elif self.places:
            self.sum[:, self.places.pop()] += part
        else:
            self.sum += part

    def squares(self) -> Floats:
        """Return the sum of squares of each pair; a product of vectors, as `x @ x` computes it."""
        assert self.sum is not None
        squares: Floats = np.matmul(self.sum[:, None, :], self.sum[:, :, None])[:, 0, 0]
        return squares


def _levels(sizes: Floats, deviation: Floats, freedom: int, drawn: _Drawn) -> Floats:
    """Return `paired._level_for` of all pairs; what numpy rounds otherwise, Python computes."""
    low, high = np.full(len(sizes), -600.0), np.zeros(len(sizes))
    for _ in range(50):
        middle = (low + high) / 2
        half = _half_widths(np.array([*map(math.exp, middle.tolist())]), deviation, freedom, drawn)
        is_wider = half > sizes
        low, high = np.where(is_wider, middle, low), np.where(is_wider, high, middle)
    return np.array([*map(math.exp, high.tolist())])


def _half_widths(level: Floats, deviation: Floats, freedom: int, drawn: _Drawn) -> Floats:
    of_identities = -special.stdtrit(drawn.freedom, level / 2)
    of_seeds = -special.stdtrit(freedom, level / 2) * deviation / math.sqrt(freedom + 1)
    beyond = of_identities * np.sqrt(drawn.beyond)
    both = np.array([*map(math.hypot, of_seeds.tolist(), beyond.tolist())])
    widths: Floats = np.maximum(both, of_identities * np.sqrt(drawn.whole))
    return widths
