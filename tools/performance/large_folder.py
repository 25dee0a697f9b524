"""Make a results folder of thousands of cells, and time what is done with it.

`python -m tools.performance.large_folder` runs 20 cells of profile `smoke`, and copies them to all
cells of a table of 40 rows x 5 data sets x 50 seeds: their keys, profiles and code digests are the
true ones, so that every cell counts as done; their scores are drawn from those that were measured.
Then it prints the CPU seconds of planning, resuming and reporting.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.config.profiles import profile_content
from crossres.benchmark.config.tables import load_table
from crossres.benchmark.metrics.by_rate import over_all_rates, rate_of
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.records.artifacts import artifact_path, write_artifact
from crossres.benchmark.records.cell import Job
from crossres.benchmark.records.kept import keep_table
from crossres.benchmark.records.record import Record, scan_records, write_record
from crossres.benchmark.runs.driver import run_table
from crossres.benchmark.runs.plan import plan_table
from crossres.benchmark.runs.request import RunRequest
from crossres.datasets.base.draws import draw
from crossres.datasets.base.files import make_folder, write_atomically

METHODS = ("msifla", "plain", "pcb", "bot")
DATASETS = ("caviar", "mlr-market", "mlr-cuhk03", "mlr-viper", "mlr-sysu")
ROWS, SEEDS = 40, 50
HEAD = """id = "large"
title = "{cells} cells"
metrics = ["rank1", "rank5", "mAP"]
datasets = {datasets}
seeds = {seeds}
profile = "smoke"
"""
ROW = """
[[rows]]
label = "{method}, margin {margin}"
method = "{method}"
options = {{ margin = {margin} }}
"""


@dataclass(frozen=True)
class LargeFolder:
    """The files of a benchmark: its table, the results, and the cache that holds its twins."""

    folder: Path

    @property
    def table(self) -> Path:
        """The file of the table."""
        return self.folder / "large.toml"

    @property
    def results(self) -> Path:
        """The results folder."""
        return self.folder / "results"

    @property
    def cache(self) -> Path:
        """Where the twins lie."""
        return self.folder / "cache"

    def request(self, **changes: Any) -> RunRequest:
        """Return the request of a run of the whole table."""
        whole: dict[str, Any] = {
            "table": self.table,
            "out": self.results,
            "profile": "smoke",
            "cache": self.cache,
        }
        return RunRequest(**(whole | changes))


def table_text(rows: int, seeds: int, datasets: Sequence[str] = DATASETS) -> str:
    """Return a table file of that many rows: methods in turns, each time with another margin."""
    head = HEAD.format(
        cells=rows * len(datasets) * seeds,
        datasets=json.dumps(list(datasets)),
        seeds=list(range(seeds)),
    )
    lines = (
        ROW.format(method=METHODS[row % len(METHODS)], margin=0.1 + row // len(METHODS) / 100)
        for row in range(rows)
    )
    return head + "".join(lines)


def make_large_folder(
    folder: Path, rows: int = ROWS, seeds: int = SEEDS, datasets: Sequence[str] = DATASETS
) -> LargeFolder:
    """Fill `folder` with a results folder in which every cell of the table is done."""
    large = LargeFolder(folder)
    make_folder(folder)
    write_atomically(large.table, table_text(rows, seeds, datasets))
    measured = _really_run(large, min(rows, len(METHODS)))
    plan = plan_table(large.request(), stream=io.StringIO())
    keep_table(large.results, load_table(large.table))
    for planned in plan.cells:
        job = planned.job
        record, arrays = measured[job.cell.method, job.cell.dataset]
        altered = _altered(arrays, job.key)
        write_artifact(large.results, job.key, altered)
        write_record(large.results, _record_of(job, record, altered))
    return large


def _really_run(
    large: LargeFolder, rows: int
) -> dict[tuple[str, str], tuple[Record, dict[str, NDArray[Any]]]]:
    """Run the first cells of each method on each data set; return what they gave."""
    out = large.folder / "measured"
    request = large.request(out=out, rows=[*map(str, range(1, rows + 1))], seeds=0)
    run_table(request)
    measured = {}
    for record in scan_records(out).records.values():
        with np.load(artifact_path(out, record.key), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        measured[record.cell.method, record.cell.dataset] = record, arrays
    return measured


def _altered(arrays: Mapping[str, NDArray[Any]], key: str) -> dict[str, NDArray[Any]]:
    """Return the artifact of another cell: each query scores as one of its rate did."""
    rng = np.random.default_rng(draw("large folder", key))
    rates, scores = arrays["scored_rates"], {n: a for n, a in arrays.items() if "scores_" in n}
    chosen = np.arange(len(rates))
    is_skipped = np.isnan(scores["scores_single-shot"][:, 0])
    for alike in (np.flatnonzero((rates == r) & ~is_skipped) for r in np.unique(rates)):
        chosen[alike] = rng.choice(alike, len(alike))
    return {**arrays, **{name: array[chosen] for name, array in scores.items()}}


def _record_of(job: Job, record: Record, arrays: Mapping[str, NDArray[Any]]) -> Record:
    """Return the record of `job`: the key is the true one, metrics are means of the artifact's."""
    metrics = {
        rule: _metrics(measured, arrays[f"scores_{rule}"], arrays["scored_rates"])
        for rule, measured in record.metrics.items()
    }
    return replace(
        record,
        key=job.key,
        cell=job.cell,
        profile=profile_content(job.profile, job.cell.method),
        metrics=metrics,
        digests={**record.digests, "manifest": job.manifest_digest},
    )


def _metrics(
    measured: Mapping[str, float], scores: NDArray[np.float64], rates: NDArray[np.int64]
) -> dict[str, float]:
    """Return the means of these scores (Q, 6), over all queries and over those of each rate."""
    metrics = dict(measured)
    for name in measured:
        if (metric := over_all_rates(name)) in METRICS:
            counted = slice(None) if (rate := rate_of(name)) is None else rates == rate
            metrics[name] = float(np.nanmean(scores[counted, METRICS.index(metric)]))
    return metrics


# --- what is timed --------------------------------------------------------------------------------


def measured_seconds(large: LargeFolder) -> dict[str, float]:
    """Return the CPU seconds, with all workers', of each command, each in a process of its own."""
    python = (sys.executable, "-c")
    scan = "from pathlib import Path; from crossres.benchmark.records.record import scan_records; "
    command = (sys.executable, "-m", "crossres")
    run = (*command, "run", large.table, "--profile", "smoke", "--cache", large.cache, "--out")
    commands: dict[str, tuple[Path | str, ...]] = {
        "python -c pass": (*python, "pass"),
        "all records read": (*python, f"{scan} scan_records(Path({str(large.results)!r}))"),
        "run --dry-run, nothing done": (*run, large.folder / "nothing", "--dry-run"),
        "run --dry-run, all done": (*run, large.results, "--dry-run"),
        "report": (*command, "report", large.results),
        "run, all done, with its report": (*run, large.results),
    }
    return {name: _cpu_seconds(words) for name, words in commands.items()}


def _cpu_seconds(words: Sequence[Path | str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(words, check=True, env=environment, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the folder unless it is there, and print what it takes; 2 where it is of other code."""
    parser = argparse.ArgumentParser(prog="large_folder", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("build/large"), metavar="DIR")
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N")
    options = parser.parse_args(arguments)
    large = LargeFolder(options.folder.resolve())
    if not large.table.is_file():
        make_large_folder(large.folder, options.rows, options.seeds)
    todo = len(plan_table(large.request(), stream=io.StringIO()).todo)
    if todo:
        print(f"{large.folder}: {todo} cells are of other code; remove it", file=sys.stderr)
        return 2
    for name, seconds in measured_seconds(large).items():
        print(f"{name}: {seconds:.1f} s of CPU", flush=True)
    for path in sorted((large.results / "report").glob("*.*")):
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
