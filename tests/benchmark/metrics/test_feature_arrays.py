"""What the checks of features see, wherever it lies, and that they copy nothing."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crossres.benchmark.metrics import feature_arrays as module
from crossres.benchmark.metrics.feature_arrays import checked_arrays
from crossres.datasets.base.errors import InputError


def checked(query: Any, gallery: Any, metric: Any = "euclidean") -> NDArray[Any]:
    arrays = {"query_features": query, "gallery_features": gallery}
    arrays |= {"query_pids": np.zeros(len(query), int), "gallery_pids": np.zeros(len(gallery), int)}
    return checked_arrays(arrays, metric, cameras=False).gallery


def fault(query: Any, gallery: Any, metric: Any = "euclidean") -> str:
    with pytest.raises(InputError) as caught:
        checked(query, gallery, metric)
    return str(caught.value)


@pytest.mark.parametrize("piece", [1, 60, 2**20])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4", "g"])
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_the_rows_that_are_not_finite_are_counted_and_the_first_is_named(
    piece: int, kind: str, value: float, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", piece)
    query = np.random.default_rng(0).normal(size=(40, 3)).astype(kind)
    gallery = query.copy()
    for row, column in ((39, 2), (11, 0), (11, 1)):
        gallery[row, column] = value
    assert fault(query, gallery, metric) == (
        "gallery_features holds NaN or infinity in 2 of 40 rows, first in row 11; "
        "compute these features again"
    )
    assert fault(query, np.asfortranarray(gallery), metric) == fault(query, gallery, metric)


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(["f2", "f4", "f8", ">f8", "g", "i1", "u1", "i8", "u8"]),
    values=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20),
    power=st.integers(-80, 0),
    piece=st.sampled_from([1, 2**20]),
)
def test_the_largest_size_is_that_of_all_numbers(
    kind: str, values: list[int], power: int, piece: int
) -> None:
    numbers: NDArray[Any] = np.array(values)
    if np.dtype(kind).kind == "f":
        numbers = np.clip(numbers * 2.0**power, -6e4, 6e4)
    array = numbers.astype(kind).reshape(-1, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE_BYTES", piece)
        assert module._largest(array) == max(abs(float(number)) for number in array.ravel())


@pytest.mark.parametrize(
    ("values", "size"),
    [([1e200, 0], "1e+200"), ([0, -1e150], "1e+150"), ([1e-150, 0], "1e-150"), ([-1e-9], None)],
)
def test_sizes_whose_squares_float64_cannot_hold_are_refused(
    values: list[float], size: str | None
) -> None:
    gallery = np.array([values, values])
    if size is None:
        assert checked(gallery, gallery) is gallery
        return
    words = f"gallery_features are of size {size}, whose squares float64 cannot hold"
    assert fault(gallery * 0, gallery).startswith(words)
    assert checked(gallery * 0, gallery, "cosine") is gallery


@pytest.mark.skipif(np.finfo("g").maxexp < 2000, reason="long double is double here")
def test_longer_floats_that_float64_cannot_hold_are_finite_but_too_large() -> None:
    gallery = np.full((3, 2), np.longdouble("1e4000"))
    assert "gallery_features are of size inf, whose squares" in fault(np.ones((1, 2)), gallery)


def test_features_on_disk_are_not_brought_to_memory(tmp_path: Path) -> None:
    path, shape = tmp_path / "rows.npy", (20_000, 1000)
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    rows[-1, -1] = 3
    tracemalloc.start()
    try:
        gallery = checked(rows[:10], rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.shares_memory(gallery, rows)
    assert peak < 8 * 2**20 < rows.nbytes / 8
