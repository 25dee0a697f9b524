"""Baselines: the records of a results folder in one file, which a team commits.

With them go the metrics and first losses of other runs of the same cells: how much they scatter.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from crossres.benchmark.records.cell import canonical_json
from crossres.benchmark.records.record import Record, record_fault, record_from
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.texts import read_json

FORMAT = "crossres baseline"
VERSION = 1
VARYING = ("metrics", "first_losses")  # what an entry of another run has of its own
REMEDY = "make it again with `crossres baseline RESULTS`"


@dataclass(frozen=True)
class Baseline:
    """The records of a baseline, and of `again` as many runs more, in which nothing had changed.

    In these only the VARYING are their own: they tell how much a run scatters.
    """

    records: tuple[Record, ...]
    again: tuple[tuple[Record, ...], ...] = ()


def with_runs(baseline: Baseline, again: Iterable[Sequence[Record]]) -> Baseline:
    """The baseline with more runs of its cells.

    Raises InputError when such a run lacks a cell, or has the bits of another one: it would say
    that results never scatter.
    """
    runs, bits = list(baseline.again), [_bits(baseline.records)]
    for number, run in enumerate(again, start=1):
        found = {record.key: record for record in run}
        missing = [record.cell for record in baseline.records if record.key not in found]
        if missing:
            cell = missing[0]
            raise InputError(
                f"run {number} of those that were run again lacks {len(missing)} cells, the first "
                f"is {cell.method} on {cell.dataset}, seed {cell.seed}; run the same cells"
            )
        mine = [found[record.key] for record in baseline.records]
        if _bits(mine) in bits:
            raise InputError(
                f"run {number} of those that were run again has the same bits as another run, "
                "which says nothing of how much results scatter; run the cells where sums come in "
                "another order: on another kind of CPU, or with ATEN_CPU_CAPABILITY=default"
            )
        bits.append(_bits(mine))
        pairs = zip(baseline.records, mine, strict=True)
        runs.append(tuple(replace(record, **_varying(own)) for record, own in pairs))
    return Baseline(baseline.records, tuple(runs))


def _varying(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in VARYING}


def _bits(run: Iterable[Record]) -> list[str]:
    return [record.digests["embeddings"] for record in run]


def to_baseline(baseline: Baseline) -> str:
    """The content of a baseline file; the same records give the same bytes, in whatever order.

    Records stand whole, by data set, protocol, method, options and seed; of other runs only what
    is VARYING. Raises InputError without any record.
    """
    if not baseline.records:
        raise InputError("a baseline needs records; fill the results folder with `crossres run`")
    runs = [{record.key: record for record in run} for run in baseline.again]
    records = sorted(baseline.records, key=_place)
    again = [
        {"key": r.key, **{name: [getattr(run[r.key], name) for run in runs] for name in VARYING}}
        for r in records
        if runs
    ]
    head = json.dumps({"format": FORMAT, "version": VERSION})
    lists = {"records": [asdict(record) for record in records], "again": again}
    texts = [f'"{name}": [{_lines(entries)}]' for name, entries in lists.items()]
    return f"{head[:-1]}, {', '.join(texts)}}}\n"


def _lines(entries: Iterable[Any]) -> str:
    """One line each, so that a change reads well in a diff."""
    lines = [
        json.dumps(entry, sort_keys=True, allow_nan=False, ensure_ascii=False) for entry in entries
    ]
    return "\n" + ",\n".join(lines) + "\n" if lines else ""


def read_baseline(path: Path) -> Baseline:
    """The records of a baseline file, in its order, and those of its other runs.

    Raises InputError naming the file and the line when it is no baseline, or was altered.
    """
    content = read_json(path, "baseline", REMEDY)
    head = (content.get("format"), content.get("version")) if isinstance(content, dict) else None
    if head != (FORMAT, VERSION) or not isinstance(content.get("records"), list):
        raise InputError(f"{path}: not a baseline of version {VERSION}; {REMEDY}")
    records = [
        _record(path, number, found) for number, found in enumerate(content["records"], start=2)
    ]
    twice = _twice([record.key for record in records])
    if not records or twice:
        fault = f"cell {twice} stands twice" if twice else "it holds no cell"
        raise InputError(f"{path}: {fault}; {REMEDY}")
    return Baseline(tuple(records), _runs(path, content, records))


def _runs(path: Path, content: Any, records: Sequence[Record]) -> tuple[tuple[Record, ...], ...]:
    """The other runs; each entry has the key of a record and what is VARYING, by run."""
    again = content.get("again", [])
    if not again:
        return ()
    try:
        varying = {entry["key"]: _by_run(entry) for entry in again}
        columns = zip(*(varying[record.key] for record in records), strict=True)
        runs = [
            [{**one, **own} for one, own in zip(content["records"], column, strict=True)]
            for column in columns
        ]
    except (KeyError, TypeError, ValueError) as error:
        fault = "the runs under `again` are not of the cells of its records"
        raise InputError(f"{path}: {fault} ({error}); {REMEDY}") from error
    first = len(records) + 3
    return tuple(
        tuple(_record(path, line, one) for line, one in enumerate(run, start=first)) for run in runs
    )


def _by_run(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Of each run what is VARYING; files of older versions have no first losses."""
    names = [name for name in VARYING if name in entry or name == "metrics"]
    columns = zip(*(entry[name] for name in names), strict=True)
    return [{"first_losses": {}, **dict(zip(names, column, strict=True))} for column in columns]


def _record(path: Path, line: int, content: Any) -> Record:
    fault = record_fault(content)
    if fault:
        raise InputError(f"{path}, line {line}: {fault}; {REMEDY}")
    return record_from(content)


def _twice(keys: Sequence[str]) -> str | None:
    return next((key for index, key in enumerate(keys) if key in keys[:index]), None)


def _place(record: Record) -> tuple[Any, ...]:
    cell = record.cell
    options = canonical_json(cell.options)
    return cell.dataset, cell.protocol, cell.source, cell.method, options, cell.seed, record.key
