"""Does a run survive whatever befalls it? `python tests/chaos [PART ...] [--engine ENGINE]`.

kills: a grid is killed a hundred times, and finished (with `--engine ray` on a cluster of three
nodes of this machine, some of which are killed, too); writes: every file operation of a run fails,
one of each kind in every way; disks: full and read-only ones (where this machine lets us mount
some); efficiency: what share of the workers' time the cells get.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.chaos.disks import can_mount, disk_faults
from tests.chaos.efficiency import ENGINES, measure
from tests.chaos.kills import run_study
from tests.chaos.write_failures import trials

Part = Callable[[argparse.Namespace, Path], Iterator[str]]


def main() -> int:
    """Print what was done and what came of it; 1 where anything was lost or left behind."""
    options = _parser().parse_args()
    faults = []
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        for name in options.parts or PARTS:
            folder = (options.folder or Path(temporary)) / name
            folder.mkdir(parents=True)
            start = time.monotonic()
            faults += [f"{name}: {fault}" for fault in PARTS[name](options, folder)]
            _say(f"{name}: {time.monotonic() - start:.0f} s")
    print(*faults, sep="\n")
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS], metavar="PART", default=[])
    parser.add_argument("--engine", default="local", choices=ENGINES, help="of kills, efficiency")
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the kills")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="keep everything there")
    return parser


def _kills(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    study = run_study(folder, options.kills, options.seed, options.engine, _say)
    print(*study.lines(), sep="\n", flush=True)
    yield from study.faults


def _writes(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    del options
    count = answered = 0
    for trial in trials(folder, ("out", "cache"), all_ways=True):
        count, answered = count + 1, answered + (trial.code != 0)
        yield from trial.lines()
    _say(f"{count} failures of file operations; {answered} ended the run with a line")


def _disks(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    del options
    if can_mount(folder):
        yield from disk_faults(folder)
    else:
        _say("disks: none can be mounted here")


def _efficiency(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Only say it: a machine that does something else, too, has less of it."""
    print(*measure(folder, options.engine).lines(), sep="\n", flush=True)
    yield from ()


PARTS: dict[str, Part] = {
    "kills": _kills,
    "writes": _writes,
    "disks": _disks,
    "efficiency": _efficiency,
}


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
