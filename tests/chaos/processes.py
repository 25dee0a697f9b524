"""The processes of a grid: found by the variable that marks them, whatever became of their parents.

They are read from /proc, so this works on Linux only.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.grid import MARK

LOOK_EVERY_SECONDS = 0.1
OF_RAY = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")  # processes of a node, not of a run


@dataclass(frozen=True)
class Process:
    """A process, its parent, and the command lines of both; that of a parent that is gone is ""."""

    pid: int
    parent: int
    command: str
    above: str = ""

    def role(self, driver: int) -> str:
        """Say what it is to the driver: "driver", "worker", "fork server" or something else.

        On the nodes of Ray, "Ray worker" has a fork server, whose workers are the cells.
        """
        if self.pid == driver:
            return "driver"
        if "resource_tracker" in self.command:
            return "resource tracker"
        if "forkserver" in self.command:  # its children have its command line
            started_it = self.parent == driver or _is_ray_worker(self.above)
            return "fork server" if started_it else "worker"
        if _is_ray_worker(self.command):
            return "Ray worker"
        return "worker" if "spawn_main" in self.command else "other"


def _is_ray_worker(command: str) -> bool:
    """Say whether a process is one of Ray's for tasks, which it renames after them."""
    return (command.startswith("ray::") and not command.startswith(OF_RAY)) or (
        "default_worker.py" in command and "setup_worker.py" not in command
    )


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
                found.append(
                    Process(int(folder.name), int(parent), _command(folder.name), _command(parent))
                )
    return sorted(found, key=lambda process: process.pid)


def _command(pid: str) -> str:
    try:
        return Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def gone(look: Callable[[], list[Process]], within: float) -> list[Process]:
    """Wait until there is no such process; return those that are still there after that time."""
    end = time.monotonic() + within
    while (left := look()) and time.monotonic() < end:
        time.sleep(LOOK_EVERY_SECONDS)
    return left


def kill(processes: Iterable[Process]) -> None:
    """Kill processes, whether or not they still exist."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
