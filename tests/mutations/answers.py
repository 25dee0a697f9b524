"""What the gate says of runs whose metrics are as they were, lower and higher: a Markdown table.

`python tests/mutations/answers.py` runs the table `gate` with five seeds in two profiles, with
other kernels for each run, and asks the gate about copies of the records with other metrics.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crossres.benchmark import Record, load_table, read_records
from crossres.benchmark.gate.baseline import Baseline, with_runs
from crossres.benchmark.gate.check import Check, check
from crossres.benchmark.measures.kernels import Kernels
from tests.mutations.changes import REPOSITORY, plain_environment

RUNS: dict[str, tuple[Kernels, dict[str, str]]] = {  # name -> kernels, environment
    "baseline": ("portable", {}),
    "again": ("native", {"ATEN_CPU_CAPABILITY": "default"}),
    "now": ("native", {}),
}
CHANGES: dict[str, Callable[[float], float]] = {
    "equal": lambda value: value,
    "drop of 5 points": lambda value: value - 0.05,
    "halved": lambda value: value / 2,
    "gain of 5 points": lambda value: value + 0.05,
    "all 1.0": lambda _: 1.0,
}
SEEDS = (2, 3, 5)
PROFILES = ("smoke", "quick")


def changed(record: Record, change: Callable[[float], float]) -> Record:
    """The record with other metrics, which stay in [0, 1]."""
    metrics = {
        rule: {
            name: value if name == "valid_queries" else min(1.0, max(0.0, change(value)))
            for name, value in found.items()
        }
        for rule, found in record.metrics.items()
    }
    return replace(record, metrics=metrics)


def answer(runs: Sequence[Sequence[Record]], now: Sequence[Record], seeds: int) -> Check:
    """The answer of the gate to the first so many seeds; `runs` are those of the baseline."""
    first, *again = ([r for r in run if r.cell.seed < seeds] for run in runs)
    baseline = with_runs(Baseline(tuple(first)), again)
    few = [record for record in now if record.cell.seed < seeds]
    return check(baseline.records, few, [load_table("gate")], more_runs=baseline.more_runs)


def words(found: Check) -> str:
    """The answer, and what was found, or from which drop of mAP on it sees."""
    kinds = ", ".join(dict.fromkeys(finding.kind for finding in found.findings))
    finds = [test.finds for test in found.tests if test.metric == "mAP"]
    known = [drop for drop in finds if drop is not None]
    sight = f"{100 * max(known):.1f}" if len(known) == len(finds) else "none"
    return f"**failed**: {kinds}" if kinds else f"{found.answer} ({sight})"


def to_markdown(runs: Sequence[Sequence[Record]], now: Sequence[Record], profile: str) -> str:
    """A line for each number of seeds and of runs of the baseline."""
    lines = []
    for seeds in SEEDS:
        for count in range(1, len(runs) + 1):
            given = [
                words(answer(runs[:count], [changed(r, change) for r in now], seeds))
                for change in CHANGES.values()
            ]
            lines.append(f"| {profile} | {seeds} | {count} | {' | '.join(given)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="answers", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "answers")
    out: Path = parser.parse_args().out.resolve()
    print(f"| profile | seeds | runs | {' | '.join(CHANGES)} |")
    print(f"|---|--:|--:|{'---|' * len(CHANGES)}")
    for profile in PROFILES:
        folders = {name: out / f"{profile}-{name}" for name in RUNS}
        for name, folder in folders.items():
            _run(profile, folder, *RUNS[name])
        *runs, now = (read_records(folder) for folder in folders.values())
        print(to_markdown(runs, now, profile), flush=True)
    return 0


def _run(profile: str, folder: Path, kernels: Kernels, environment: dict[str, str]) -> None:
    """The five seeds that are not there yet."""
    command = ["run", "gate", "--profile", profile, "--seeds", "0-4", "--out", str(folder)]
    command += ["--kernels", kernels]
    place = {"PYTHONPATH": str(REPOSITORY), "CROSSRES_CACHE": str(folder.parent / "cache")}
    subprocess.run(
        [sys.executable, "-m", "crossres", *command],
        env=plain_environment() | environment | place,
        stdout=subprocess.DEVNULL,
        check=True,
    )


if __name__ == "__main__":
    sys.exit(main())
