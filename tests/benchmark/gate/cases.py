"""Records of equal, scattered and harmed runs, for the tests of the gate."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from crossres.benchmark import Record, Row, Table
from crossres.benchmark.gate.check import Check, check
from crossres.benchmark.gate.limits import Limits

Make = Callable[..., Record]
TABLE = Table(
    id="mine",
    title="Mine",
    caption="",
    gallery="single-shot",
    metrics=("rank1", "mAP"),
    datasets=("mlr-viper", "mlr-market"),
    seeds=(0, 1, 2),
    rows=(Row("Plain", "plain"), Row("PCB", "pcb"), Row("BoT", "bot")),
)
SETS = ("mlr-viper", "mlr-market")


def with_values(records: Sequence[Record], values: Sequence[float]) -> list[Record]:
    """The records with other metrics, and digests that say so."""
    changed = []
    for record, value in zip(records, values, strict=True):
        metrics = {**record.metrics["single-shot"], "rank1": value, "mAP": value}
        bits = f"{hash(value) & 0xFFFF_FFFF:064x}"
        digests = {**record.digests, "weights": bits, "embeddings": bits}
        changed.append(replace(record, metrics={"single-shot": metrics}, digests=digests))
    return changed


def of_identities(record: Record, number: int) -> Record:
    """The record as that of a test with two queries of each of so many identities."""
    metrics = {
        rule: {**means, "valid_queries": 2 * number} for rule, means in record.metrics.items()
    }
    return replace(record, metrics=metrics, counts={**record.counts, "query_pids": number})


def kinds(outcome: Check) -> list[str]:
    return [finding.kind for finding in outcome.findings]


def drawn(
    grid: list[Record], rng: np.random.Generator, drop: float = 0.0, row: str | None = None
) -> Check:
    """A check where each pair scatters by 0.03, and a row (or all) is worse by `drop`."""
    hurt = np.array([row is None or r.cell.method == row for r in grid])
    now = 0.5 + rng.normal(0, 0.03, len(grid)) - drop * hurt
    return check(grid, with_values(grid, now.tolist()), [TABLE], Limits(false_alarms=0.05))


def scattered(
    grid: Sequence[Record], by: float = 0.03, seed: int = 31
) -> tuple[list[Record], list[Record]]:
    rng = np.random.default_rng(seed)
    both = [with_values(grid, (0.5 + rng.normal(0, by, len(grid))).tolist()) for _ in range(2)]
    return both[0], both[1]


BEGINS = {"triplet": 0.4, "cross-entropy": 2.0}


def begun(
    grid: Sequence[Record],
    rng: np.random.Generator,
    by: float = 0.001,
    row: str = "",
    draws: str = "d",
    **factors: float,
) -> list[Record]:
    """Records whose first losses scatter by a share `by`; those of `row` are times `factors`."""

    def losses(record: Record) -> dict[str, float]:
        changes = factors if record.cell.method == row else {}
        return {
            name: value * changes.get(name, 1.0) * (1 + record.cell.seed + float(rng.normal(0, by)))
            for name, value in BEGINS.items()
        }

    values = (0.5 + rng.normal(0, 0.0002, len(grid))).tolist()  # less than any alarm is about
    digests = {"start": "5" * 64, "draws": draws * 64}
    return [
        replace(record, first_losses=losses(record), digests={**record.digests, **digests})
        for record in with_values(grid, values)
    ]


def runs(grid: Sequence[Record], count: int, rng: np.random.Generator) -> list[list[Record]]:
    """So many runs of the cells of `grid`, which scatter by 0.03."""
    return [
        with_values(grid, (0.5 + rng.normal(0, 0.03, len(grid))).tolist()) for _ in range(count)
    ]
