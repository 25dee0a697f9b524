"""Values of queries and images from float32 products: here, or on a device of torch.

On a device products are made in float32 proper, never in TF32 or half precision, so that the same
rounding bound holds; what it leaves open is settled here, so that results are the same to the bit.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

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

PRODUCT_COLUMNS = 2048  # at once: with fewer, a BLAS puts the queries in order more often
MOST_SUMS = 8


class Products(Protocol):
    """The products of R queries, D numbers each, with images; in float32."""

    def placed(self, images: Singles, halves: Singles) -> Any:
        """Return images (c, D) and halves (c,) of squared lengths where products are made."""

    def values(self, queries: slice, placed: Any, out: Singles) -> None:
        """Write the halves less the products with the placed images to `out` (r, c)."""


class HostProducts:
    """Products made by numpy."""

    def __init__(self, queries: Singles, passes: Passes) -> None:
        """Take (R, D) queries."""
        self._queries, self._passes = queries, passes

    def placed(self, images: Singles, halves: Singles) -> tuple[Singles, Singles]:
        """See Products: they are here."""
        return images, halves

    def values(self, queries: slice, placed: tuple[Singles, Singles], out: Singles) -> None:
        """See Products."""
        rows, (images, halves) = self._queries[queries], placed
        first, *others = summed_at_once(rows.shape[1], self._passes)
        # Many sums of many images would take too much memory.
        for some in blocks(len(images), PRODUCT_COLUMNS * 4 // max(4, len(others))):
            np.matmul(rows[:, first], images[some, first].T, out=out[:, some])
            sums = buffer("sums", len(others), len(rows), some.stop - some.start)
            for number, product in zip(others, sums, strict=True):
                np.matmul(rows[:, number], images[some, number].T, out=product)
            self._passes.values(sums, halves[some], out[:, some])


class DeviceProducts:
    """Products made by torch, on a GPU."""

    def __init__(self, queries: Singles, passes: Passes, device: str) -> None:
        """Take (R, D) queries to the device."""
        self._passes, self._device = passes, device
        with _enough_memory(device):
            self._queries = _on(device, queries)

    def placed(self, images: Singles, halves: Singles) -> "tuple[Tensor, Tensor]":
        """See Products: they are copied once for all queries."""
        with _enough_memory(self._device):
            return _on(self._device, images), _on(self._device, halves)

    def values(self, queries: slice, placed: "tuple[Tensor, Tensor]", out: Singles) -> None:
        """See Products."""
        import torch

        rows, (images, halves) = self._queries[queries], placed
        numbers, *others = summed_at_once(rows.shape[1], self._passes)
        with _whole_singles(), _enough_memory(self._device):
            sums = rows[:, numbers] @ images[:, numbers].T
            for number in others:
                sums += rows[:, number] @ images[:, number].T
            torch.from_numpy(out).copy_(halves - sums)


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

    return torch.from_numpy(array).to(device)


@contextmanager
def _enough_memory(device: str) -> Iterator[None]:
    """Raise InputError where the memory of the device does not suffice inside."""
    import torch

    try:
        yield
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
