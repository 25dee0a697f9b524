"""How many cores this process may use: those it is bound to, and the CPU quota of its container.

A quota (docker --cpus, a Kubernetes limit) is a share of time: the system shows all cores, but more
busy processes than the quota has cores only stop one another.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PROC = Path("/proc/self")


def usable_cores(proc: Path = PROC) -> int:
    """Return the cores that this process may use, at least 1; a quota is rounded up."""
    bound = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if bound else os.cpu_count() or 1
    return min([cores, *(max(1, math.ceil(quota)) for quota in _quotas(proc))])


def _quotas(proc: Path) -> Iterator[float]:
    """Yield the quotas, in cores, of the control groups that this process is in."""
    try:
        folders = list(_folders(proc))
    except (OSError, ValueError):  # no Linux, or nothing that one may read
        return
    for folder in folders:
        try:
            yield _quota(folder)
        except (OSError, ValueError):  # none in this one: no such file, or "max"
            continue


def _quota(folder: Path) -> float:
    """Return a group's CPU quota: `cpu.max` of version 2, else the two files of version 1."""
    if (folder / "cpu.max").exists():
        allowed, period = map(int, (folder / "cpu.max").read_text(encoding="ascii").split())
    else:
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        allowed, period = (int((folder / name).read_text(encoding="ascii")) for name in names)
    if allowed < 1 or period < 1:
        raise ValueError("version 1 writes -1 where there is no quota")
    return allowed / period


def _folders(proc: Path) -> Iterator[Path]:
    """Yield the mounted folders of the groups of this process, and of the groups around them."""
    groups = dict(_groups(proc))
    for line in _lines(proc / "mountinfo"):
        before, _, after = line.partition(" - ")
        _, _, _, root, mount, *_ = before.split(" ")
        kind, _, options = after.split(" ")
        group = groups.get("" if kind == "cgroup2" else "cpu")
        has_cpu = kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(","))
        if group is None or not has_cpu:
            continue
        inner = group.relative_to(root) if group.is_relative_to(root) else PurePosixPath()
        mounted = Path(mount)
        yield from (mounted / part for part in (inner, *inner.parents) if ".." not in part.parts)


def _groups(proc: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield (controller, group) of /proc/self/cgroup; version 2 has one controller, ""."""
    for line in _lines(proc / "cgroup"):
        _, controllers, group = line.split(":", 2)
        yield from ((name, PurePosixPath(group)) for name in controllers.split(","))


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
