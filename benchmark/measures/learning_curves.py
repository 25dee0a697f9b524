"""Learning curves: the losses that a method notes while it trains, as means over equal bins.

What is kept does not grow with the training; numbers that are none stay visible as such. The first
steps are kept apart: rounding has not been amplified there yet, so they tell of the least change.
"""

import hashlib
from collections.abc import Callable
from typing import Any, SupportsFloat

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BINS = 50
FIRST = 3  # steps: enough to see what the gradients of the first did, and how they were taken


class Curves:
    """Hears one training: hand `note`, `progress` and `drew` to its Run, then ask for `arrays`.

    A training of up to BINS steps has a bin for each; steps of a longer one share BINS equal ones.
    """

    def __init__(self, told: Callable[[int, int], None]) -> None:
        """`told` is passed all progress on."""
        self._told = told
        self._step: list[tuple[str, SupportsFloat]] = []  # since the last progress
        self._open: dict[str, list[SupportsFloat]] = {}  # of the bin that steps now fall into
        self._bin = 0
        self._bins = 1
        self._means: dict[str, dict[int, tuple[float, int]]] = {}
        self._first: dict[str, list[SupportsFloat]] = {}
        self._draws = hashlib.sha256()  # of the first steps
        self._drew = False
        self._done = 0

    def note(self, name: str, value: SupportsFloat) -> None:
        """One loss of the step that the next `progress` ends; a tensor is read with its bin."""
        self._step.append((name, value.detach() if isinstance(value, Tensor) else value))

    def drew(self, *arrays: NDArray[Any]) -> None:
        """What the step that the next `progress` ends drew at random."""
        if self._done < FIRST:
            self._drew = True
            for array in arrays:
                self._draws.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())

    def progress(self, done: int, total: int) -> None:
        """Step `done` of `total`, counted from 1, has ended."""
        self._done = done
        if done <= FIRST:
            for name, value in self._step:
                self._first.setdefault(name, []).append(value)
        bins = max(1, min(BINS, total))
        place = min(max(done - 1, 0) * bins // max(1, total), bins - 1)
        if place != self._bin:
            self._close()
            self._bin, self._bins = place, max(bins, self._bins)
        self._take_step()
        self._told(done, total)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """K losses in the order in which they were first noted, B <= BINS bins; {} for none.

        curve_names (K,); curve_means (K, B) float64, NaN without a value or with one that is NaN;
        curve_counts (K, B) int64, of values. What no progress followed falls into the last bin.
        """
        self._take_step()
        self._close()
        if not self._means:
            return {}
        shape = (len(self._means), self._bins)
        means, counts = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
        for row, found in enumerate(self._means.values()):
            for place, (mean, count) in found.items():
                means[row, place], counts[row, place] = mean, count
        names = np.array(list(self._means))
        return {"curve_names": names, "curve_means": means, "curve_counts": counts}

    def first_losses(self) -> dict[str, float]:
        """Loss -> its mean over the first FIRST steps; of those that are noted there and finite."""
        sums = {name: (sum(_numbers(values)), len(values)) for name, values in self._first.items()}
        means = {name: total / count for name, (total, count) in sums.items()}
        return {name: mean for name, mean in means.items() if np.isfinite(mean)}

    def first_draws(self) -> str | None:
        """SHA-256 (hex) of what the first FIRST steps drew; None of a method that does not tell."""
        return self._draws.hexdigest() if self._drew else None

    def _take_step(self) -> None:
        for name, value in self._step:
            self._open.setdefault(name, []).append(value)
        self._step.clear()

    def _close(self) -> None:
        """Read the values of the bin that ends, all at once."""
        for name, values in self._open.items():
            known = self._means.setdefault(name, {})
            mean, count = known.get(self._bin, (0.0, 0))
            total = mean * count + sum(_numbers(values))
            count += len(values)
            known[self._bin] = total / count, count
        self._open.clear()


def _numbers(values: list[SupportsFloat]) -> list[float]:
    tensors = [value.double().reshape(()) for value in values if isinstance(value, Tensor)]
    plain = [float(value) for value in values if not isinstance(value, Tensor)]
    return [*plain, *(torch.stack(tensors).tolist() if tensors else ())]
