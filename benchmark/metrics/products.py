"""Values of queries and images from float32 products: here, or on a device of torch.

On a device products are made in float32 proper, never in TF32 or half precision, so that the same
rounding bound holds; what it leaves open is settled here, so that results are the same to the bit.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.buffers import buffer
from crossres.benchmark.metrics.comparisons import blocks
from crossres.benchmark.metrics.passes import Passes
from crossres.datasets.base.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Singles = NDArray[np.float32]

_precision = threading.Lock()

PRODUCT_COLUMNS = 1024
MOST_SUMS = 8


class Products(Protocol):
    """The products of R queries, D numbers each, with images; in float32."""

    def values(self, queries: slice, images: Singles, halves: Singles, out: Singles) -> None:
        """Write halves (c,) less the products with images (c, D) to `out` (r, c)."""


class HostProducts:
    """Products made by numpy."""

    def __init__(self, queries: Singles, passes: Passes) -> None:
        """Take (R, D) queries."""
        self._queries, self._passes = queries, passes

    def values(self, queries: slice, images: Singles, halves: Singles, out: Singles) -> None:
        """See Products."""
        rows = self._queries[queries]
        numbers = summed_at_once(rows.shape[1], self._passes)
        for some in blocks(len(images), PRODUCT_COLUMNS):
            sums = buffer("sums", len(numbers), len(rows), some.stop - some.start)
            for number, product in zip(numbers, sums, strict=True):
                np.matmul(rows[:, number], images[some, number].T, out=product)
            self._passes.values(sums, halves[some], out[:, some])


class DeviceProducts:
    """Products made by torch, on a GPU."""

    def __init__(self, queries: Singles, passes: Passes, device: str) -> None:
        """Take (R, D) queries to the device."""
        self._queries, self._passes, self._device = _on(device, queries), passes, device

    def values(self, queries: slice, images: Singles, halves: Singles, out: Singles) -> None:
        """See Products."""
        import torch

        rows, columns = self._queries[queries], _on(self._device, images)
        with _whole_singles():
            numbers, *others = summed_at_once(rows.shape[1], self._passes)
            sums = rows[:, numbers] @ columns[:, numbers].T
            for number in others:
                sums += rows[:, number] @ columns[:, number].T
            torch.from_numpy(out).copy_(_on(self._device, halves) - sums)


def products(device: str, queries: Singles, passes: Passes) -> Products:
    """Return the products of (R, D) queries on a device: "cpu", or one that torch has."""
    if device == "cpu":
        return HostProducts(queries, passes)
    return DeviceProducts(queries, passes, device)


def checked_device(device: object) -> str:
    """Return the name of a device for products: "cpu", or a GPU of this machine for "cuda", "auto".

    Raises InputError for others.
    """
    if str(device) == "cpu":
        return "cpu"
    from crossres.methods.shared.torch_tools import resolve_device

    resolved = resolve_device(str(device))
    if resolved.type not in ("cpu", "cuda"):
        raise InputError(f"device {resolved}: its float32 products are not known well enough")
    return str(resolved)


def summed_at_once(width: int, passes: Passes) -> list[slice]:
    """Return which of D numbers are summed together, before the sums are.

    The fewer, the narrower the bound, and the fewer pairs it leaves open.
    """
    sums = min(-(-width // passes.MOST_SUMMED), MOST_SUMS)
    return list(blocks(width, -(-width // sums)))


def _on(device: str, array: Singles) -> "Tensor":
    import torch

    try:
        return torch.from_numpy(array).to(device)
    except torch.OutOfMemoryError as error:
        raise InputError(f"device {device}: its memory is full; use device cpu") from error


@contextmanager
def _whole_singles() -> Iterator[None]:
    """Make products of all 24 bits of float32, whatever is set; one thread at a time."""
    import torch

    with _precision:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
