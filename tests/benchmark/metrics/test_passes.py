"""Which passes are used, and what they keep in memory."""

import importlib
import sys
from typing import Any

import numba
import numpy as np
import pytest

from crossres.benchmark.metrics import compiled_passes, passes

COMPILED = compiled_passes.__name__


def test_many_pairs_are_worth_compiled_passes() -> None:
    assert passes.passes_for(passes.WORTH_COMPILED) is compiled_passes
    assert passes.passes_for(passes.WORTH_COMPILED - 1) is passes


class Broken:
    """Finds a numba that cannot be loaded."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "numba":
            raise self._error


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'numba'"),
        ImportError("Numba needs NumPy 2.3 or less. Got NumPy 2.4."),
        SystemError("initialization of _internal failed without raising an exception"),
    ],
)
def test_a_numba_that_cannot_be_loaded_is_done_without(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "meta_path", [Broken(error), *sys.meta_path])
    for name in ("numba", COMPILED):
        monkeypatch.delitem(sys.modules, name)
    assert passes.passes_for(10**9) is passes


def test_passes_that_numba_would_not_compile_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    monkeypatch.delitem(sys.modules, COMPILED)
    with pytest.raises(ImportError, match="NUMBA_DISABLE_JIT is set"):
        importlib.import_module(COMPILED)
    assert passes.passes_for(10**9) is passes


def test_open_pairs_take_no_more_memory_than_there_are_pairs() -> None:
    """Equal features leave all pairs open to all matches; each pair is named once."""
    values, starts = np.zeros((3, 50), np.float32), np.arange(0, 61, 20)
    limits = np.full(60, -1.0, np.float32), np.full(60, 1.0, np.float32)
    counts = compiled_passes.counts(values, starts, *limits)
    pairs = compiled_passes.open_pairs(values, starts, limits, counts)
    assert len(pairs.rows) == 150
    assert pairs.rows.base is not None
    assert pairs.rows.base.size == 150


def test_large_identities_take_little_memory() -> None:
    """Counters of all matches by all chances would be as many as the square of an identity."""
    values, starts = np.zeros((1, 2), np.float32), np.array([0, 200_000])
    near = np.full(200_000, -1.0, np.float32)
    near[-1] = 1.0
    nobody = passes.ClosestMatches(*[np.empty(0, np.int64)] * 4)
    groups = passes.Groups(
        identities=np.array([0]),
        borders=np.array([0, 2]),
        base_row=np.array([0]),
        bases=np.array([[0]]),
        table=np.arange(5)[::-1].copy(),
        kinds=10**7,  # 16 TB of counters
        split=np.array([False]),
    )
    outrankings = compiled_passes.outrankings(values, starts, near, nobody, groups)
    assert [array.tolist() for array in outrankings[:3]] == [[199_999], [0], [1]]
