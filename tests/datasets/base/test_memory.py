"""How much memory there is."""

import os
from pathlib import Path

import pytest

from crossres.datasets.base.memory import MEMINFO, free_memory


def test_it_is_what_is_available_and_the_swap(tmp_path: Path) -> None:
    lines = ["MemTotal: 9000 kB", "MemAvailable:    5000 kB", "SwapFree:   300 kB", "HugePages: 0"]
    (tmp_path / "meminfo").write_text("\n".join(lines))
    assert free_memory(tmp_path / "meminfo") == 5300 * 1024


@pytest.mark.parametrize("text", ["", "MemAvailable", "MemAvailable: \nSwapFree: 1 kB", "a: b"])
def test_where_the_system_does_not_say_nothing_is_known(text: str, tmp_path: Path) -> None:
    assert free_memory(tmp_path / "none") is None
    (tmp_path / "meminfo").write_text(text)
    assert free_memory(tmp_path / "meminfo") is None


@pytest.mark.skipif(not MEMINFO.exists(), reason="only Linux says it")
def test_here_it_is_less_than_all() -> None:
    free = free_memory()
    assert free is not None
    assert free > 0
    assert free < 100 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
