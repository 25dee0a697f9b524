"""The processes of a grid: found by the variable that marks them, whatever became of their parents.

They are read from /proc, so this works on Linux only.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.grid import MARK

LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Process:
    """A process, its parent, and its command line."""

    pid: int
    parent: int
    command: str

    def role(self, driver: int) -> str:
        """Say what it is to the driver: "driver", "worker", "fork server" or something else."""
        if self.pid == driver:
            return "driver"
        if "resource_tracker" in self.command:
            return "resource tracker"
        if "forkserver" in self.command:  # its children have its command line
            return "fork server" if self.parent == driver else "worker"
        return "worker" if "spawn_main" in self.command else "other"


def marked(mark: str) -> list[Process]:
    """Return the living processes that were started with this mark, by their number."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(Process(int(folder.name), int(parent), command))
    return sorted(found, key=lambda process: process.pid)


def gone(mark: str, within: float) -> list[Process]:
    """Wait until no process has this mark; return those that are still there after that time."""
    end = time.monotonic() + within
    while (left := marked(mark)) and time.monotonic() < end:
        time.sleep(LOOK_EVERY_SECONDS)
    return left


def kill(processes: Iterable[Process]) -> None:
    """Kill processes, whether or not they still exist."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
