"""Learning curves: the losses that a method records while it trains, as means over equal bins.

The curves do not grow with the training; NaN and infinity stay visible. The first steps are also
kept apart: rounding has not been amplified there yet, so they show the least change.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any, SupportsFloat

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BINS = 50
FIRST = 3  # steps: enough to see what the gradients of the first did, and how they were taken


class Curves:
    """The curves of one training: its Run calls `record_loss`, `record_draws` and `progress`.

    A training of up to BINS steps has a bin for each; steps of a longer one share BINS equal ones.
    """

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        """Pass all progress on to `progress`."""
        self._pass_on = progress
        self._step: list[tuple[str, SupportsFloat]] = []  # since the last progress
        self._open: dict[str, list[SupportsFloat]] = {}  # of the bin that steps now fall into
        self._bin = 0
        self._bins = 1
        self._means: dict[str, dict[int, tuple[float, int]]] = {}
        self._first: dict[str, list[SupportsFloat]] = {}
        self._drawn = bytearray()  # by the first steps
        self._draws: str | None = None  # its digest, once they are over
        self._steps = 0

    def saved(self) -> dict[str, bytes]:
        """Return everything recorded up to the end of a step, for `resume`, by file name."""
        state = {
            "open": {name: _as_json(values) for name, values in self._open.items()},
            "bin": self._bin,
            "bins": self._bins,
            "means": {
                name: [(index, _bits(mean), count) for index, (mean, count) in curve.items()]
                for name, curve in self._means.items()
            },
            "first": {name: _as_json(values) for name, values in self._first.items()},
            "draws": self._draws,
            "steps": self._steps,
        }
        return {"recorded.json": json.dumps(state).encode(), "drawn": bytes(self._drawn)}

    def resume(self, files: Mapping[str, bytes]) -> None:
        """Go on from what `saved` returned, forgetting what was recorded since."""
        state = json.loads(files["recorded.json"])
        self._step = []
        self._open = {name: _from_json(values) for name, values in state["open"].items()}
        self._bin, self._bins = state["bin"], state["bins"]
        self._means = {
            name: {index: (_number(mean), count) for index, mean, count in curve}
            for name, curve in state["means"].items()
        }
        self._first = {name: _from_json(values) for name, values in state["first"].items()}
        self._drawn, self._draws = bytearray(files["drawn"]), state["draws"]
        self._steps = state["steps"]

    def record_loss(self, name: str, value: SupportsFloat) -> None:
        """Record a loss of the step that the next `progress` ends; tensors are read by bin."""
        self._step.append((name, value.detach() if isinstance(value, Tensor) else value))

    def record_draws(self, *arrays: NDArray[Any]) -> None:
        """Record what the step that the next `progress` ends drew at random."""
        if self._draws is None:
            for array in arrays:
                self._drawn += f"{array.dtype} {array.shape}".encode() + array.tobytes()

    def progress(self, done: int, total: int) -> None:
        """End step `done` of `total`, counted from 1."""
        self._steps = done
        if done <= FIRST:
            for name, value in self._step:
                self._first.setdefault(name, []).append(value)
        if done >= FIRST and self._draws is None:
            self._draws = hashlib.sha256(self._drawn).hexdigest() if self._drawn else ""
            self._drawn.clear()
        bins = max(1, min(BINS, total))
        index = min(max(done - 1, 0) * bins // max(1, total), bins - 1)
        if index != self._bin:
            self._close()
            self._bin, self._bins = index, max(bins, self._bins)
        self._take_step()
        self._pass_on(done, total)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return K losses in the order in which they were first recorded, in B <= BINS bins.

        {} for none. curve_names (K,); curve_means (K, B) float64, NaN without a value or with one
        that is NaN; curve_counts (K, B) int64, of values. What no progress followed falls into the
        last bin.
        """
        self._take_step()
        self._close()
        if not self._means:
            return {}
        shape = (len(self._means), self._bins)
        means, counts = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
        for row, curve in enumerate(self._means.values()):
            for index, (mean, count) in curve.items():
                means[row, index], counts[row, index] = mean, count
        names = np.array(list(self._means))
        return {"curve_names": names, "curve_means": means, "curve_counts": counts}

    def first_losses(self) -> dict[str, float]:
        """Return the mean of each loss over the first FIRST steps, where it is finite."""
        sums = {name: (sum(_numbers(values)), len(values)) for name, values in self._first.items()}
        means = {name: total / count for name, (total, count) in sums.items()}
        return {name: mean for name, mean in means.items() if np.isfinite(mean)}

    def first_draws(self) -> str | None:
        """Return the SHA-256 (hex) of what the first FIRST steps drew; None without draws."""
        if self._draws is None and self._drawn:
            return hashlib.sha256(self._drawn).hexdigest()
        return self._draws or None

    def _take_step(self) -> None:
        for name, value in self._step:
            self._open.setdefault(name, []).append(value)
        self._step.clear()

    def _close(self) -> None:
        """Read the values of the bin that ends, all at once."""
        for name, values in self._open.items():
            curve = self._means.setdefault(name, {})
            mean, count = curve.get(self._bin, (0.0, 0))
            total = mean * count + sum(_numbers(values))
            count += len(values)
            curve[self._bin] = total / count, count
        self._open.clear()


def _numbers(values: list[SupportsFloat]) -> list[float]:
    tensors = [value.double().reshape(()) for value in values if isinstance(value, Tensor)]
    if tensors:  # those of before an interruption lie on the CPU
        tensors = [value.to(tensors[-1].device) for value in tensors]
    plain = [float(value) for value in values if not isinstance(value, Tensor)]
    return [*plain, *(torch.stack(tensors).tolist() if tensors else ())]


def _as_json(values: list[SupportsFloat]) -> list[tuple[str, bool]]:
    """Return each value and whether it is a tensor: `_numbers` adds those up last."""
    return [(_bits(float(value)), isinstance(value, Tensor)) for value in values]


def _from_json(values: list[tuple[str, bool]]) -> list[SupportsFloat]:
    return [
        torch.tensor(_number(bits), dtype=torch.float64) if of_tensor else _number(bits)
        for bits, of_tensor in values
    ]


def _bits(number: float) -> str:
    """Return a number in hex, as there are several NaN."""
    return struct.pack(">d", number).hex()


def _number(bits: str) -> float:
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])
