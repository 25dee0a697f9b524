"""How far queries are from their true matches and from other identities, drawn by rate.

Small histograms of all pairs of a row, with the area under the ROC of each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.measures.distance_histograms import NEGATIVE, POSITIVE
from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.reports.grid.distances import Counts, RowPairs, pairs_of
from crossres.reports.grid.grid import Column, Grid, Score
from crossres.reports.page.learning_curves import number
from crossres.reports.wording import counted

# Half pixels, as those of learning curves.
WIDTH, HEIGHT = 244, 112
LEAST_BARS, MOST_BARS = 10, 48
BARS_PER_ROOT = 4  # of the cube root of the fewest true matches of a panel
TAIL = 0.002  # of either kind of pairs, which may lie beyond the drawing on either side


@dataclass(frozen=True)
class DistancePanel:
    """The pairs of all queries, or of those of one rate: areas as SVG paths, and numbers in words.

    `auc`: of each seed, the chance that a true match is nearer than an image of another identity.
    """

    rate: int | None
    auc: Score
    queries: int
    positives: int
    negatives: int
    positive: str
    negative: str

    @property
    def title(self) -> str:
        """Whose pairs they are."""
        return "all queries" if self.rate is None else f"rate {self.rate}"

    @property
    def auc_text(self) -> str:
        """The mean AUC over the seeds, with their standard deviation where there are several."""
        if self.auc.mean is None:
            return "–"
        spread = "" if self.auc.std is None else f" ± {self.auc.std:.3f}"
        return f"{self.auc.mean:.3f}{spread}"

    @property
    def summary(self) -> str:
        """How many pairs there are, and the AUC of each seed."""
        texts = [
            counted(self.queries, "query", "queries"),
            counted(self.positives, "true match", "true matches"),
            counted(self.negatives, "image of others", "images of others"),
        ]
        seeds = zip(self.auc.seeds, self.auc.values, strict=True)
        return "; ".join([*texts, *(f"seed {seed}: AUC {auc:.3f}" for seed, auc in seeds)])


@dataclass(frozen=True)
class RowDistances:
    """One row: its panels, all queries first, and the distances at both ends of each drawing."""

    row: int
    label: str
    low: str
    high: str
    panels: tuple[DistancePanel, ...]


@dataclass(frozen=True)
class Distances:
    """One column: the rows that keep their distances, and the labels of those that do not."""

    column: Column
    rows: tuple[RowDistances, ...]
    lacking: tuple[str, ...]

    @property
    def is_by_rate(self) -> bool:
        """Whether any row has more panels than that of all queries."""
        return any(len(row.panels) > 1 for row in self.rows)


def distances_of(grid: Grid, artifacts: ArtifactFolder) -> tuple[Distances, ...]:
    """Return the distances of each column where any cell keeps them."""
    by_column = [_distances(grid, column, artifacts) for column in grid.shown]
    return tuple(distances for distances in by_column if distances.rows)


def _distances(grid: Grid, column: Column, artifacts: ArtifactFolder) -> Distances:
    rows, lacking = [], []
    for line in grid.lines:
        records = grid.cells[line, column].records
        pairs = pairs_of(records, artifacts)
        label = grid.table.lines[line].label
        if pairs is not None:
            rows.append(_row(line, label, pairs))
        elif records:
            lacking.append(label)
    return Distances(column, tuple(rows), tuple(lacking))


def _row(row: int, label: str, pairs: RowPairs) -> RowDistances:
    fewest = min(int(of_rate.counts[POSITIVE].sum()) for of_rate in pairs.by_rate)
    most = min(MOST_BARS, max(LEAST_BARS, round(BARS_PER_ROOT * fewest ** (1 / 3))))
    start, stop, step = _drawn_bins(pairs.by_rate[0].counts, most)
    bars = [_bars(of_rate.counts, start, stop, step) for of_rate in pairs.by_rate]
    peak = max(float(of_rate.max(initial=0.0)) for of_rate in bars)
    panels = []
    for of_rate, shares in zip(pairs.by_rate, bars, strict=True):
        positives, negatives = of_rate.counts.sum(axis=1).tolist()
        panels.append(
            DistancePanel(
                of_rate.rate,
                auc=of_rate.auc,
                queries=of_rate.queries,
                positives=positives,
                negatives=negatives,
                positive=_area(shares[POSITIVE], peak),
                negative=_area(shares[NEGATIVE], peak),
            )
        )
    width = 2.0**pairs.exponent
    low, high = (number((pairs.first + place) * width) for place in (start, stop))
    return RowDistances(row, label, low, high, tuple(panels))


def _drawn_bins(pairs: Counts, most: int) -> tuple[int, int, int]:
    """Return the first bin to draw, the one behind the last, and how many make one of the bars.

    There are at most `most` of these.
    """
    starts, stops = [], []
    for counts in pairs:
        if counts.sum():
            shares = np.cumsum(counts) / counts.sum()
            starts.append(int(np.searchsorted(shares, TAIL, side="right")))
            stops.append(int(np.searchsorted(shares, 1 - TAIL)) + 1)
    start, stop = min(starts), max(stops)
    step = -(-(stop - start) // most)
    bars = -(-(stop - start) // step)
    return start, start + bars * step, step


def _bars(pairs: Counts, start: int, stop: int, step: int) -> NDArray[np.float64]:
    """Return the shares of either kind (2, bars) that lie in each bar."""
    padded = np.zeros((2, stop), dtype=np.int64)
    padded[:, : pairs.shape[1]] = pairs[:, :stop]
    totals = np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    return np.asarray(padded[:, start:].reshape(2, -1, step).sum(axis=2) / totals)


def _area(shares: NDArray[np.float64], peak: float) -> str:
    """Return the outline of bars, from the floor to the floor; "" for no bar above it."""
    heights = [HEIGHT - round(HEIGHT * share / peak) for share in shares.tolist()]
    ends = [round(WIDTH * (k + 1) / len(heights)) for k in range(len(heights))]
    path, before = "", HEIGHT
    for k, (height, end) in enumerate(zip(heights, ends, strict=True)):
        if height != before:
            path += f"H{ends[k - 1]}V{height}" if k else f"V{height}"
            before = height
        if k == len(heights) - 1 and height != HEIGHT:
            path += f"H{end}V{HEIGHT}"
    return f"M0 {HEIGHT}{path}" if path else ""
