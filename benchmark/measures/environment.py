"""Measure the process: time by phase, peak memory, and the software that ran."""

import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from crossres.benchmark.measures.kernels import kernels_of_process
from crossres.datasets.base.version import own_version


class Stopwatch:
    """Seconds per named phase, and in total since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._phases: dict[str, float] = {}
        self._running: dict[str, float] = {}  # since when

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of the block to the phase `name`."""
        self._running[name] = time.perf_counter()
        yield
        self._phases[name] = self.so_far(name)
        del self._running[name]

    def so_far(self, name: str) -> float:
        """Return the seconds of a phase up to now, also while it is running."""
        now = time.perf_counter()
        return self._phases.get(name, 0.0) + now - self._running.get(name, now)

    def add(self, name: str, seconds: float) -> None:
        """Add what an earlier process took for the phase `name`."""
        self._phases[name] = self._phases.get(name, 0.0) + seconds
        self._start -= seconds

    def seconds(self) -> dict[str, float]:
        """Return the phases and "total", rounded to milliseconds."""
        total = {"total": time.perf_counter() - self._start}
        return {name: round(value, 3) for name, value in (self._phases | total).items()}


def peak_memory() -> int:
    """Return the peak resident memory of this process in bytes; 0 where it is not measured."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def environment(device: str) -> dict[str, str | int]:
    """Return versions, platform, device, threads and, of a CPU, kernels; not the machine's name."""
    kernels = {"kernels": kernels_of_process()} if device == "cpu" else {}
    return {
        "crossres": own_version(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # whose own class would take torch to the driver
        "numpy": np.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "threads": torch.get_num_threads(),
        **kernels,
    }
