"""Which passes are used, and what they keep in memory."""

import importlib
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

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


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], Any]:
    """Import the compiled passes as another process would, with numba's cache in tmp_path."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def imported() -> Any:
        monkeypatch.delitem(sys.modules, COMPILED)
        return importlib.import_module(COMPILED)

    return imported


def sums_of(module: Any) -> list[list[float]]:
    values, places, times = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0]), np.array([2, 1])
    return cast(list[list[float]], module.sums(values, places, times, np.array([0, 2])).tolist())


def test_a_disk_that_gets_full_ends_no_evaluation(
    fresh: Callable[[], Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # a file may be begun, no more
    try:
        module = fresh()
        assert sums_of(module) == sums_of(module) == [[7.0, 10.0]]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    (message,) = caplog.messages
    assert message.startswith(f"{next(tmp_path.iterdir())}: numba cannot keep there what it comp")
    assert "File too large" in message
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_damaged_file_of_the_cache_ends_no_evaluation(
    fresh: Callable[[], Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert sums_of(fresh()) == [[7.0, 10.0]]
    (index,) = tmp_path.rglob("*.nbi")
    index.write_bytes(index.read_bytes()[:20])
    assert sums_of(fresh()) == [[7.0, 10.0]]
    assert "remove the folder" in caplog.text


def test_what_is_kept_is_found_again(fresh: Callable[[], Any], tmp_path: Path) -> None:
    """Those that call another compiled function, too."""
    values, starts = np.zeros((1, 2), np.float32), np.array([0, 1])
    limits = np.zeros(1, np.float32), np.zeros(1, np.float32)
    kept = []
    for _ in range(2):
        module = fresh()
        module.open_pairs(values, starts, limits, module.counts(values, starts, *limits))
        kept.append({path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")})
    assert len(kept[0]) == 4  # code and index of two functions
    assert kept[1] == kept[0]  # nothing was compiled, and so nothing written


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
