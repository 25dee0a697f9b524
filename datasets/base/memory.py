"""How much memory an array can take before the system runs out of it."""

from pathlib import Path

MEMINFO = Path("/proc/meminfo")


def free_memory(meminfo: Path = MEMINFO) -> int | None:
    """Return the bytes that are free or can be made so, swap included; None where unknown."""
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text("ascii").splitlines())
        kilobytes = [int(lines[name].split()[0]) for name in ("MemAvailable", "SwapFree")]
    except (OSError, ValueError, KeyError, IndexError):  # no Linux
        return None
    return 1024 * sum(kilobytes)
