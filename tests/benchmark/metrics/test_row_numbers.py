"""Numbers of rows, against a digest of each row; whatever the hash, the pieces and the types."""

import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crossres.benchmark.metrics import row_numbers as module
from crossres.benchmark.metrics.row_numbers import multipliers, row_numbers

TYPES = ["f2", "f4", ">f4", "f8", "g", "i1", "u1", "i4", "i8", "u8"]
VALUES = [0.0, -0.0, 1.0, -1.0, 2.0, 0.1, np.nan, np.inf, 60000.0, 2.0**-20]

Multipliers = Callable[[int], NDArray[np.uint64]]
HASHES: dict[str, Multipliers] = {
    "good": multipliers,
    "of nothing": lambda width: np.zeros(width, np.uint64),
    "of the first numbers": lambda width: np.eye(1, width, dtype=np.uint64)[0],
    "without places": lambda width: np.ones(width, np.uint64),
}


def by_digest(arrays: list[NDArray[Any]]) -> list[int]:
    kind = np.result_type(np.float16, *arrays)
    kind = np.dtype(np.float64) if kind.itemsize > 8 else kind
    numbers: dict[bytes, int] = {}
    digests = [sha256(row.astype(kind) + kind.type(0)).digest() for rows in arrays for row in rows]
    return [numbers.setdefault(digest, len(numbers)) for digest in digests]


@st.composite
def some_arrays(draw: st.DrawFn) -> list[NDArray[Any]]:
    """Two arrays of a few numbers, so that many rows are equal, in one memory order or another."""
    width = draw(st.integers(1, 5))
    arrays = []
    for kind in draw(st.lists(st.sampled_from(TYPES), min_size=2, max_size=2)):
        chosen = VALUES if np.dtype(kind).kind == "f" else [0.0, 1.0, 2.0]
        row = st.lists(st.sampled_from(chosen), min_size=width, max_size=width)
        rows = draw(st.lists(row, max_size=12))
        array = np.array(rows, np.float64).reshape(-1, width).astype(kind)
        layout = draw(st.sampled_from([np.ascontiguousarray, np.asfortranarray, _strided]))
        arrays.append(layout(array))
    return arrays


def _strided(array: NDArray[Any]) -> NDArray[Any]:
    return np.repeat(np.repeat(array, 2, axis=0), 2, axis=1)[::2, ::2]


@settings(max_examples=400, deadline=None)
@given(
    arrays=some_arrays(),
    hashed=st.sampled_from(sorted(HASHES)),
    piece=st.sampled_from([1, 40, 2**20]),
)
def test_numbers_are_those_of_a_digest_of_each_row(
    arrays: list[NDArray[Any]], hashed: str, piece: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "multipliers", HASHES[hashed])
        patch.setattr(module, "PIECE_BYTES", piece)
        assert row_numbers(arrays).tolist() == by_digest(arrays)


@pytest.mark.parametrize("hashed", list(HASHES))
def test_rows_that_differ_in_one_bit_or_place_differ(
    hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "multipliers", HASHES[hashed])
    row = np.random.default_rng(0).normal(size=37).astype(np.float32)
    rows = np.tile(row, (3 + 37, 1))
    rows[1, 5] = np.nextafter(row[5], np.float32(9))
    rows[2, [8, 9]] = row[[9, 8]]
    rows[np.arange(3, 40), np.arange(37)] *= -1
    expected = list(range(40))
    assert row_numbers([rows, rows[::-1]]).tolist() == expected + expected[::-1]


def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record how many rows each round compares."""
    counts: list[int] = []
    equal = module._equal

    def counted(arrays: Any, kind: Any, left: Any, right: Any) -> Any:
        counts.append(len(left))
        return equal(arrays, kind, left, right)

    monkeypatch.setattr(module, "_equal", counted)
    return counts


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i8"])
@pytest.mark.parametrize("values", [[0, 1], [-1, 1], [-2, 0, 2]])
def test_the_hash_tells_rows_of_few_bits_apart(
    kind: str, values: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such numbers differ in their highest bits only, which a product alone would shift out."""
    counts = comparisons(monkeypatch)
    rng = np.random.default_rng(1)
    rows = np.concatenate([rng.choice(values, (4000, 64)), np.eye(64, dtype=int) * values[-1]])
    assert row_numbers([rows.astype(kind)]).tolist() == list(range(len(rows)))
    assert sum(counts) <= 2


def test_many_equal_rows_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = comparisons(monkeypatch)
    rows = np.ones((3000, 8), np.float32)
    rows[::3] = 0
    assert row_numbers([rows]).tolist() == (np.arange(3000) % 3 > 0).astype(int).tolist()
    assert counts == [2998]


def test_features_on_disk_are_not_brought_to_memory(tmp_path: Path) -> None:
    shape = (20_000, 1000)
    path = tmp_path / "rows.npy"
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    rows[:, 0] = np.arange(len(rows)) // 2
    tracemalloc.start()
    try:
        numbers = row_numbers([rows])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert numbers.tolist() == (np.arange(len(rows)) // 2).tolist()
    assert peak < 8 * 2**20 < rows.nbytes / 8
