"""Measure the energy of phases, where counters of the hardware can be read; nowhere is it guessed.

CPU packages: the RAPL counters of Linux, which most machines let root alone read. A GPU: that of
NVML, where the package `pynvml` is there. Both count all that the package or GPU does, whoever
asked for it; so with the CPU's energy goes the share of the CPU time that was this process's.
"""

import importlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
STAT = Path("/proc/stat")
CPU, GPU, OWN_SHARE = "cpu", "gpu", "own_share"
EVERY = 10.0  # seconds between two readings: a counter of a busy package starts anew in minutes
MOST_WATTS = 1000.0  # of a package: with less, so many seconds apart, it cannot start anew twice
MICRO, MILLI = 1e-6, 1e-3
_IDLE = (3, 4)  # of the columns of /proc/stat: doing nothing, and waiting for a disk

_log = logging.getLogger(__name__)


class Counter:
    """Joules since the counter was made; None from when on a reading failed or came too late."""

    def __init__(self, read: Callable[[], float], wraps_at: float | None = None) -> None:
        """Take what reads joules, and at how many, if at all, the counter starts anew at 0.

        Raises what `read` raises.
        """
        self._read, self._wraps_at = read, wraps_at
        self._joules, self._at = read(), time.monotonic()
        self.total: float | None = 0.0

    def update(self) -> None:
        """Read the counter."""
        try:
            joules, now = self._read(), time.monotonic()
        except Exception as error:  # of whatever kind the drivers of a GPU raise
            _log.debug("energy is not measured any more: %s", error)
            self.total = None
            return
        used = joules - self._joules
        if self._wraps_at is not None:
            used %= self._wraps_at
            if now - self._at > self._wraps_at / MOST_WATTS:
                self.total = None
        if self.total is not None:
            self.total += used
        self._joules, self._at = joules, now


class EnergyMeter:
    """The energy of each phase, by kind of hardware, as far as it was measured."""

    def __init__(self, device: str) -> None:
        """Look for counters of the CPU packages and, for a cell on a GPU, of this one."""
        counters = {CPU: _packages(), GPU: _gpu(device)}
        self._counters = {kind: some for kind, some in counters.items() if some}
        self._measured: dict[str, dict[str, float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure the energy of the block."""
        if not self._counters:
            yield
            return
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        before, busy, own = self._totals(), _busy_seconds(), time.process_time()
        watch.start()
        try:
            yield
        finally:
            ended.set()
            watch.join()
        after, busy, own = self._totals(), _busy_seconds() - busy, time.process_time() - own
        for kind, total in after.items():
            start = before.get(kind)
            if start is not None and total is not None:
                self._measured.setdefault(kind, {})[name] = round(total - start, 3)
        if name in self._measured.get(CPU, {}) and busy > 0:
            share = round(min(1.0, own / busy), 3)
            self._measured.setdefault(OWN_SHARE, {})[name] = share

    def energy(self) -> dict[str, dict[str, float]]:
        """Return joules by CPU and GPU and phase, and OWN_SHARE by phase; {} for nothing measured.

        What is not known, of a kind or a phase, is not there.
        """
        return {kind: dict(phases) for kind, phases in self._measured.items()}

    def forget(self, name: str) -> None:
        """Drop a phase, of which another process did a part."""
        for phases in self._measured.values():
            phases.pop(name, None)
        self._measured = {kind: phases for kind, phases in self._measured.items() if phases}

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(EVERY):
            self._totals()

    def _totals(self) -> Mapping[str, float | None]:
        """Read all counters; return the joules of each kind, None where one of it is lost."""
        with self._lock:
            totals: dict[str, float | None] = {}
            for kind, counters in self._counters.items():
                for counter in counters:
                    counter.update()
                each = [counter.total for counter in counters]
                known = [total for total in each if total is not None]
                totals[kind] = sum(known) if len(known) == len(each) else None
            return totals


def _packages() -> list[Counter]:
    """Return the counter of each CPU package; [] where one cannot be read.

    Zones of a part of a package, or of the whole machine (`psys`), count the same energy again; and
    where a package has several dies, some CPUs show the counter of the package at each.
    """
    try:
        zones = [
            (zone, (zone / "name").read_text(encoding="ascii").strip())
            for zone in sorted(POWERCAP.glob("intel-rapl:*"))
            if zone.name.count(":") == 1
        ]
        packages = [(zone, name) for zone, name in zones if name.startswith("package-")]
        if any("die" in name for _, name in packages):
            return []
        return [_package(zone) for zone, _ in packages]
    except (OSError, ValueError):
        return []


def _package(zone: Path) -> Counter:
    def joules() -> float:
        return MICRO * int((zone / "energy_uj").read_text(encoding="ascii"))

    most = MICRO * int((zone / "max_energy_range_uj").read_text(encoding="ascii"))
    return Counter(joules, most) if most > 0 else Counter(joules)


def _gpu(device: str) -> list[Counter]:
    """Return the counter of a GPU that torch computes on; [] for a CPU, or where there is none."""
    if not device.startswith("cuda"):
        return []
    try:
        import torch  # which reports, that read what was measured, can do without

        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        uuid = torch.cuda.get_device_properties(device).uuid
        handle = nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode())
        return [Counter(lambda: MILLI * nvml.nvmlDeviceGetTotalEnergyConsumption(handle))]
    except Exception as error:  # NVML is not there, or this GPU is too old, or is a part of one
        _log.debug("the energy of %s is not measured: %s", device, error)
        return []


def _busy_seconds() -> float:
    """Return for how long the CPUs of the machine were busy, added up; 0 where it is not told."""
    try:
        first = STAT.read_text(encoding="ascii").partition("\n")[0].split()
        ticks = [int(number) for number in first[1:9]]  # what comes after is contained in these
        busy = sum(number for k, number in enumerate(ticks) if k not in _IDLE)
        return busy / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0
