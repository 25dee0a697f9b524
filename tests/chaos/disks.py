"""Disks that are really full, or really read-only, where this machine lets us mount some."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.faults import Operation
from tests.chaos.outcome import differences, half_done
from tests.chaos.write_failures import Bench, Room, bench, faults_of_answer

KIBIBYTES = (4, 8, 16, 32, 64, 128, 256, 512)  # of full disks; a page is 4
ENOUGH_KIBIBYTES = 65_536


def can_mount(folder: Path) -> bool:
    """Say whether this process may mount a disk in memory."""
    place = folder / "trial"
    place.mkdir()
    if os.name != "posix" or _mount("-t", "tmpfs", "-o", "size=4k", "tmpfs", str(place)):
        return False
    subprocess.run(["umount", str(place)], check=True)
    return True


def _mount(*arguments: str) -> int:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode
    except OSError:
        return 1


@contextmanager
def disk(place: Path, options: str) -> Iterator[None]:
    """Mount a disk in memory with these options."""
    place.mkdir(parents=True, exist_ok=True)
    if _mount("-t", "tmpfs", "-o", options, "tmpfs", str(place)):
        raise OSError(f"{place}: cannot be mounted")
    try:
        yield
    finally:
        # This process may hold marks of a cache there until it ends.
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    """Change the options of a disk in memory."""
    if _mount("-o", f"remount,{options}", str(place)):
        raise OSError(f"{place}: cannot be mounted anew")


def disk_faults(folder: Path) -> Iterator[str]:
    """Run on full disks and on a read-only one, then with room; yield what was wrong."""
    with bench(folder) as ours:
        for room in ("out", "cache"):
            for kibibytes in KIBIBYTES:
                yield from _faults(ours, room, f"size={kibibytes}k")
            yield from _faults(ours, room, f"ro,size={ENOUGH_KIBIBYTES}k")


def _faults(ours: Bench, room: Room, options: str) -> Iterator[str]:
    place = ours.folder(room)
    ours.fresh(room)
    with disk(place, options):
        code, text = ours.run()
        wrong = [*faults_of_answer(code, text, [Operation("write", str(place))])]
        wrong += half_done(ours.grid)
        if code == 0 and options != f"size={KIBIBYTES[-1]}k":
            wrong.append("exit code 0")
        remount(place, f"rw,size={ENOUGH_KIBIBYTES}k")
        code, text = ours.run()
        if code:
            wrong.append(f"with room: exit code {code}: {text.strip()[-300:]}")
        wrong += differences(ours.grid, ours.reference)
    yield from (f"{room} on a disk of {options}: {line}" for line in wrong)
