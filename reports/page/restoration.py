"""How well reconstructions restore and align, means over the seeds.

PSNR and SSIM of each step by rate, and how far the versions of one image at all rates differ.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.records.artifacts import Arrays, ArtifactFolder
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.wording import MINUS

NAMES = tuple(f"restored_{name}" for name in ("labels", "rates", "counts", "psnr", "ssim"))
SPREAD = "restored_spread"  # records older than it lack the array
DIGITS = (1, 3)  # of PSNR in dB and of SSIM
SPREAD_DIGITS = 1  # levels of 255

Pair = NDArray[np.float64]  # PSNR and SSIM, (2,)


@dataclass(frozen=True)
class Measured:
    """A measure of a step; `gain` over the input, and its sign: 1 for better, 0, -1 for worse."""

    text: str
    gain: str
    sign: int


@dataclass(frozen=True)
class Step:
    """A step of a row: for each rate of the column PSNR and SSIM, None where not measured.

    spread: between the versions of one image, None where not measured.
    """

    label: str
    values: tuple[tuple[Measured, Measured] | None, ...]
    spread: Measured | None


@dataclass(frozen=True)
class RowQuality:
    """The steps of one row, from the input on."""

    row: int
    label: str
    seeds: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Quality:
    """One column: its rates, the queries measured at each by most rows, in so many seeds, its rows.

    `shared` is the input where it is the same for all rows. Without rates the rows have
    reconstructions, but no query has an HR original.
    """

    column: Column
    rates: tuple[int, ...]
    counts: tuple[int, ...]
    seeds: int
    rows: tuple[RowQuality, ...]
    shared: Step | None

    @property
    def has_spread(self) -> bool:
        """Whether the spread between versions was measured in any row."""
        return any(step.spread for row in self.rows for step in row.steps)


@dataclass(frozen=True)
class _Restored:
    labels: tuple[str, ...]
    counts: Mapping[int, int]
    scores: Mapping[tuple[int, str], Pair]  # by rate and step
    spreads: Mapping[str, float]  # by step


def quality_of(grid: Grid, artifacts: ArtifactFolder) -> tuple[Quality, ...]:
    """Return each column where it was measured."""
    by_column = [_quality(grid, column, artifacts) for column in grid.shown]
    return tuple(quality for quality in by_column if quality.rows)


def nearness(arrays: Mapping[str, NDArray[Any]], query: int, step: int) -> tuple[str, ...]:
    """Write PSNR and SSIM of an image of an artifact's chains; () where it has no HR original."""
    measures = [arrays[name] for name in ("chain_psnr", "chain_ssim") if name in arrays]
    if len(measures) < 2 or any(
        values.shape != arrays["chain_images"].shape[:2] for values in measures
    ):
        return ()
    psnr, ssim = (float(values[query, step]) for values in measures)
    return () if math.isnan(psnr) else (f"{_text(psnr, 1)} dB", _text(ssim, 3))


def _quality(grid: Grid, column: Column, artifacts: ArtifactFolder) -> Quality:
    by_row: dict[int, list[_Restored]] = {}
    for row in range(len(grid.table.rows)):
        for record in grid.cells[row, column].records:
            arrays = artifacts.read(record.key, NAMES, _fault, (SPREAD,))
            if arrays is not None:
                by_row.setdefault(row, []).append(_restored(arrays))
    rates = tuple(
        sorted({rate for seeds in by_row.values() for seed in seeds for rate in seed.counts})
    )
    longest = max(by_row.values(), key=len, default=[])
    counts = tuple(sum(seed.counts.get(rate, 0) for seed in longest) for rate in rates)
    rows = tuple(
        RowQuality(row, grid.table.rows[row].label, len(seeds), _steps(seeds, rates))
        for row, seeds in by_row.items()
    )
    inputs = {row.steps[0] for row in rows}
    shared = inputs.pop() if len(inputs) == 1 else None
    return Quality(column, rates, counts, len(longest), rows, shared)


def _fault(arrays: Arrays) -> str:
    labels, rates, counts, psnr, ssim = (arrays[name] for name in NAMES)
    shape = (len(rates), len(labels))
    spread_shape = arrays.get(SPREAD, labels).shape
    fits = psnr.shape == ssim.shape == shape and counts.shape == rates.shape
    if not fits or spread_shape != labels.shape:
        return "its measures of reconstructions do not fit each other"
    return ""


def _restored(arrays: Arrays) -> _Restored:
    labels, rates, counts, psnr, ssim = (arrays[name] for name in NAMES)
    names = tuple(map(str, labels))
    scores = {
        (int(rate), name): np.array([psnr[r, k], ssim[r, k]])
        for r, rate in enumerate(rates)
        for k, name in enumerate(names)
    }
    count_of_rate = zip(rates.tolist(), counts.tolist(), strict=True)
    spreads = zip(names, arrays.get(SPREAD, ()), strict=False)
    return _Restored(names, dict(count_of_rate), scores, dict(spreads))


def _steps(seeds: Sequence[_Restored], rates: Sequence[int]) -> tuple[Step, ...]:
    """Return the steps that any seed has, the input first; gains are over the same seeds' input."""
    labels = list(dict.fromkeys(label for seed in seeds for label in seed.labels))
    steps = []
    for label in labels:
        values = []
        for rate in rates:
            with_it = [seed for seed in seeds if (rate, label) in seed.scores]
            pairs = [(k.scores[rate, label], k.scores[rate, labels[0]]) for k in with_it]
            values.append(_measured(pairs, label != labels[0]) if pairs else None)
        steps.append(Step(label, tuple(values), _spread(seeds, label, labels[0])))
    return tuple(steps)


def _spread(seeds: Sequence[_Restored], label: str, start: str) -> Measured | None:
    pairs = [(seed.spreads[label], seed.spreads[start]) for seed in seeds if label in seed.spreads]
    if not pairs:
        return None
    step, of_input = (float(np.mean(side)) for side in zip(*pairs, strict=True))
    spread = _with_gain(step, of_input if label != start else math.nan, SPREAD_DIGITS)
    return replace(spread, sign=-spread.sign)


def _measured(pairs: Sequence[tuple[Pair, Pair]], compared: bool) -> tuple[Measured, Measured]:
    step, start = (np.mean(side, axis=0) for side in zip(*pairs, strict=True))
    psnr, ssim = (
        _with_gain(float(step[k]), float(start[k]) if compared else math.nan, digits)
        for k, digits in enumerate(DIGITS)
    )
    return psnr, ssim


def _with_gain(value: float, start: float, digits: int) -> Measured:
    gap = round(value - start, digits) if math.isfinite(value) and math.isfinite(start) else None
    sign = 0 if not gap else (1 if gap > 0 else -1)
    gain = "" if gap is None else f"{gap or 0.0:{'+' if sign else ''}.{digits}f}"
    return Measured(_text(value, digits), gain.replace("-", MINUS), sign)


def _text(value: float, digits: int) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.{digits}f}".replace("-", MINUS) if math.isfinite(value) else "∞"
