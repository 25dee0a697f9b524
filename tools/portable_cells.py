"""Say whether this machine gives the committed bits: `python tools/portable_cells.py RESULTS`.

RESULTS holds the cells of baselines/portable.toml, run here; baselines/portable.json those of the
machine that they were committed from. A difference is reported and is no failure.
"""

import argparse
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from crossres.benchmark.compare.pairs import Change, Pair, match
from crossres.benchmark.config.tables import load_table
from crossres.benchmark.gate.baseline import read_baseline
from crossres.benchmark.records.record import Record, require_records
from crossres.datasets.base.errors import InputError

BASELINES = Path(__file__).parents[1] / "baselines"
RULE = "single-shot"
METRICS = ("rank1", "mAP")
# With another one of these the bits may differ on the same CPU: the committed ones do not tell.
DECISIVE = ("torch", "numpy", "platform", "kernels")


def report(committed: Sequence[Record], here: Sequence[Record], table: Path) -> Iterator[str]:
    """Yield a line for each cell, then what they say together.

    Raises InputError where a committed cell has not been run here.
    """
    matches = match(committed, here, [load_table(table)])
    if matches.only_a:
        cell = matches.only_a[0].cell
        raise InputError(
            f"the results lack {cell.method} on {cell.dataset}; run {table.name} whole, or commit "
            "its cells anew with `nox -s portable -- --write`"
        )
    yield from map(line, matches.pairs)
    for record in matches.only_b:
        yield f"{record.cell.method} on {record.cell.dataset}: is not among the committed cells"
    equal = sum(pair.sameness == "bit-equal" for pair in matches.pairs)
    yield f"{equal} of {len(matches.pairs)} cells are equal to the bit"
    yield from _reservations(matches.pairs)


def line(pair: Pair) -> str:
    """Say of a committed cell and the same one here whether they are equal, or what differs."""
    title = f"{pair.row} on {pair.a.cell.dataset}, seed {pair.a.cell.seed}"
    if pair.sameness == "bit-equal":
        return f"{title}: equal to the bit"
    return f"{title}: differs in {', '.join(_differences(pair)) or 'other metrics'}"


def _differences(pair: Pair) -> Iterator[str]:
    """Yield what differs, with the values here against the committed ones where it has values."""
    if pair.a.digests["pixels"] != pair.b.digests["pixels"]:
        yield "pixels"
    yield from pair.other_outputs
    for name in METRICS:
        committed, here = (record.metrics[RULE][name] for record in (pair.a, pair.b))
        if committed != here:
            yield f"{name} {here:.1%} against {committed:.1%}"


def _reservations(pairs: Iterable[Pair]) -> Iterator[str]:
    """Say what else than the CPU may be the cause of a difference."""
    pairs = list(pairs)
    changes = {change for pair in pairs for change in pair.changes}
    for change in sorted(changes, key=lambda change: change.name):
        if change.kind == "environment" and change.name in DECISIVE:
            yield (
                f"the committed bits say nothing about {change.name} {change.b}: "
                f"they are of {change.a}"
            )
    if Change("code") in changes and any(pair.sameness != "bit-equal" for pair in pairs):
        yield (
            "the code of these cells is not the one that was committed: if it was meant to change "
            "results, commit them anew with `nox -s portable -- --write`"
        )


def this_machine() -> str:
    """Name the CPU, the widest instructions that torch finds on it, and the versions."""
    versions = f"torch {torch.__version__}, numpy {np.__version__}"
    instructions = torch.backends.cpu.get_cpu_capability()
    return f"{cpu_model()} ({platform.machine()}, {instructions}), {versions}"


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the name of the CPU as Linux tells it, else as Python does."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.processor() or "unknown CPU"])[0]


def main(arguments: list[str] | None = None) -> int:
    """Print the report; 2 only where there is nothing to compare."""
    parser = argparse.ArgumentParser(description="Say whether this machine gives the same bits.")
    parser.add_argument("results", metavar="RESULTS", type=Path)
    parser.add_argument("--against", type=Path, metavar="FILE", default=BASELINES / "portable.json")
    options = parser.parse_args(arguments)
    try:
        committed = read_baseline(options.against).records
        lines = list(
            report(committed, require_records(options.results), BASELINES / "portable.toml")
        )
    except InputError as error:
        print(f"portable_cells: {error}", file=sys.stderr)
        return 2
    print(f"this machine: {this_machine()}", *lines, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
