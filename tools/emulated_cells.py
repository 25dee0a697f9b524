"""Compute the committed cells on another kind of CPU: `python -m tools.emulated_cells Haswell`.

The CPU is emulated by qemu-x86_64 (Debian: qemu-user), which computes each instruction as the
standard says and tells the libraries that they run on the CPU it is asked for (`qemu-x86_64 -cpu
help`). Where they choose other kernels then, digests differ. A cell takes about a minute.
"""

import argparse
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from crossres.benchmark.compare.pairs import match
from crossres.benchmark.config.tables import load_table
from crossres.benchmark.gate.baseline import read_baseline
from crossres.benchmark.measures.kernels import kernel_variables
from crossres.benchmark.records.cell import Job
from crossres.benchmark.records.record import Record
from crossres.benchmark.runs.cell import prepare_cell, run_cell
from crossres.benchmark.runs.local_engine import THREADS
from crossres.benchmark.runs.plan import plan_table
from crossres.benchmark.runs.request import RunRequest
from tools.portable_cells import BASELINES, line


def jobs_of(rows: Sequence[str] | None, datasets: Sequence[str] | None, folder: Path) -> list[Job]:
    """Plan the committed cells here, and build their pixels."""
    request = RunRequest(
        BASELINES / "portable.toml",
        folder / "results",
        profile="smoke",
        rows=rows,
        datasets=datasets,
        cache=folder / "cache",
        jobs=1,
    )
    jobs = [cell.job for cell in plan_table(request).cells]
    for job in jobs:
        prepare_cell(job, _silent)
    return jobs


def compute(file: Path) -> None:
    """Run the jobs in a file that this tool wrote, and say what their records hold."""
    for job in pickle.loads(file.read_bytes()):
        print(held(run_cell(job, _silent).record), flush=True)


def held(record: Record) -> str:
    """Hold a record against the committed one of its cell."""
    committed = read_baseline(BASELINES / "portable.json").records
    matches = match(committed, [record], [load_table(BASELINES / "portable.toml")])
    for pair in matches.pairs:
        return line(pair)
    return f"{record.cell.method} on {record.cell.dataset}: is not among the committed cells"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("cpu", nargs="?", help="of qemu-x86_64 (default: none, this machine's)")
    parser.add_argument("--rows", type=lambda text: text.split(","))
    parser.add_argument("--datasets", type=lambda text: text.split(","))
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        file = Path(folder, "jobs.pickle")
        file.write_bytes(pickle.dumps(jobs_of(options.rows, options.datasets, Path(folder))))
        emulator = ["qemu-x86_64", "-cpu", options.cpu] if options.cpu else []
        code = f"from tools.emulated_cells import *; compute(Path({str(file)!r}))"
        variables = dict.fromkeys(THREADS, "1") | kernel_variables("portable")
        # Not by an engine: its workers would be started outside of the emulator.
        return subprocess.run(
            [*emulator, sys.executable, "-c", code],
            env={**os.environ, **variables},
            cwd=Path(__file__).parents[1],
            check=False,
        ).returncode


def _silent(_phase: str, _done: int, _total: int) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())
