"""Baselines: the records of a results folder in one file, which a team commits.

With them go the metrics and first losses of other runs of the same cells: how much they scatter.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossres.benchmark.records.cell import canonical_json
from crossres.benchmark.records.record import (
    DRAWS,
    INITIAL,
    START,
    TRAINING_PIXELS,
    Record,
    record_content,
    record_fault,
    record_from,
)
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.texts import read_json
from crossres.datasets.base.words import counted

FORMAT = "crossres baseline"
VERSION = 1
VARYING = ("metrics", "first_losses")  # what may differ from run to run
INPUTS = {  # digests that runs of one cell share -> what it is where they do not
    "manifest": "another split",
    "pixels": "other pixels",
    TRAINING_PIXELS: "other pixels of the data that is trained on",
    START: "other random weights at the start",
    DRAWS: "other draws",
}
REMEDY = "make it again with `crossres baseline RESULTS`"


@dataclass(frozen=True)
class Baseline:
    """The records of a baseline, and those of more runs of its cells, in which nothing had changed.

    These differ from `records` only in what is VARYING: they tell how much a run scatters.
    """

    records: tuple[Record, ...]
    more_runs: tuple[tuple[Record, ...], ...] = ()


def with_runs(baseline: Baseline, more_runs: Iterable[Sequence[Record]]) -> Baseline:
    """Add more runs of its cells to the baseline.

    Raises InputError when such a run lacks a cell, or has other inputs, or copies of another one's
    records, or its bits, or is one of the baseline's: it would say that results scatter more, or
    less, than they do.
    """
    runs, seen = list(baseline.more_runs), [baseline.records]
    known = [[*map(_varying, run)] for run in runs]
    for number, run in enumerate(more_runs, start=1):
        by_key = {record.key: record for record in run}
        missing = [record.cell for record in baseline.records if record.key not in by_key]
        if missing:
            cell = missing[0]
            raise InputError(
                f"run {number} of those that were run again lacks {len(missing)} cells, the first "
                f"is {cell.method} on {cell.dataset}, seed {cell.seed}; run the same cells"
            )
        records = tuple(by_key[record.key] for record in baseline.records)
        for record, run_again in zip(baseline.records, records, strict=True):
            if other := _other_inputs(record, run_again):
                cell = record.cell
                raise InputError(
                    f"run {number} of those that were run again has {other} than the baseline, "
                    f"first in {cell.method} on {cell.dataset}, seed {cell.seed}; "
                    "run the same cells with the same code and data"
                )
        copies = sum(any(r == cells[k] for cells in seen) for k, r in enumerate(records))
        if copies:
            raise InputError(
                f"run {number} of those that were run again holds {counted(copies, 'record')} that "
                "another run has, too, times included: a copy says nothing of how much results "
                "scatter; run these cells again, into a folder of their own"
            )
        if _bits(records) in map(_bits, seen):
            raise InputError(
                f"run {number} of those that were run again has the same bits as another run, "
                "which says nothing of how much results scatter; run the cells where sums come in "
                "another order: on another kind of CPU, or with ATEN_CPU_CAPABILITY=default"
            )
        if [*map(_varying, records)] in known:
            raise InputError(
                f"run {number} of those that were run again is in the baseline already; counted "
                "twice it would say that results scatter less than they do; leave it out"
            )
        seen.append(records)
        pairs = zip(baseline.records, records, strict=True)
        runs.append(tuple(replace(record, **_varying(run_again)) for record, run_again in pairs))
    return Baseline(baseline.records, tuple(runs))


def _other_inputs(record: Record, run_again: Record) -> str:
    """Name what a run again does not share, and must; "" where it shares all that is known."""
    before, now = record.digests, run_again.digests
    differing = [n for n in before if n in now and before[n] != now[n]]
    weights = [n.removeprefix(INITIAL) for n in differing if n.startswith(INITIAL)]
    words = [words for name, words in INPUTS.items() if name in differing]
    return next(iter([*words, *(f"other weights of {name}" for name in weights)]), "")


def _varying(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in VARYING}


def _bits(run: Iterable[Record]) -> list[str]:
    return [record.digests["embeddings"] for record in run]


def to_baseline(baseline: Baseline) -> str:
    """Return the content of a baseline file; the same records in any order give the same bytes.

    Records stand whole, by data set, protocol, method, options and seed; of other runs only what
    is VARYING. Raises InputError without any record.
    """
    if not baseline.records:
        raise InputError("a baseline needs records; fill the results folder with `crossres run`")
    runs = [{record.key: record for record in run} for run in baseline.more_runs]
    records = sorted(baseline.records, key=_order)
    varying = [
        {"key": r.key, **{name: [getattr(run[r.key], name) for run in runs] for name in VARYING}}
        for r in records
        if runs
    ]
    head = json.dumps({"format": FORMAT, "version": VERSION})
    lists = {"records": [record_content(record) for record in records], "again": varying}
    texts = [f'"{name}": [{_lines(entries)}]' for name, entries in lists.items()]
    return f"{head[:-1]}, {', '.join(texts)}}}\n"


def _lines(entries: Iterable[Any]) -> str:
    """Write each entry on a line, so that a change reads well in a diff."""
    lines = [
        json.dumps(entry, sort_keys=True, allow_nan=False, ensure_ascii=False) for entry in entries
    ]
    return "\n" + ",\n".join(lines) + "\n" if lines else ""


def read_baseline(path: Path) -> Baseline:
    """Read the records of a baseline file, in its order, and those of its other runs.

    Raises InputError naming the file and the line when it is no baseline, or a record in it is not
    sound (`record_fault`).
    """
    content = read_json(path, "baseline", REMEDY)
    head = (content.get("format"), content.get("version")) if isinstance(content, dict) else None
    if head != (FORMAT, VERSION) or not isinstance(content.get("records"), list):
        raise InputError(f"{path}: not a baseline of version {VERSION}; {REMEDY}")
    records = [_record(path, line, entry) for line, entry in enumerate(content["records"], start=2)]
    twice = _twice([record.key for record in records])
    if not records or twice:
        fault = f"cell {twice} stands twice" if twice else "it holds no cell"
        raise InputError(f"{path}: {fault}; {REMEDY}")
    return Baseline(tuple(records), _runs(path, content, records))


def _runs(path: Path, content: Any, records: Sequence[Record]) -> tuple[tuple[Record, ...], ...]:
    """Read the other runs; an entry has the key of a record and what is VARYING, by run."""
    entries = content.get("again", [])
    if not entries:
        return ()
    try:
        varying = {entry["key"]: _by_run(entry) for entry in entries}
        columns = zip(*(varying[record.key] for record in records), strict=True)
        runs = [
            [{**entry, **part} for entry, part in zip(content["records"], column, strict=True)]
            for column in columns
        ]
    except (KeyError, TypeError, ValueError) as error:
        fault = "the runs under `again` are not of the cells of its records"
        raise InputError(f"{path}: {fault} ({error}); {REMEDY}") from error
    first = len(records) + 3
    return tuple(
        tuple(_record(path, line, entry) for line, entry in enumerate(run, start=first))
        for run in runs
    )


def _by_run(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is VARYING of each run; files of older versions have no first losses."""
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


def _order(record: Record) -> tuple[Any, ...]:
    cell = record.cell
    options = canonical_json(cell.options), canonical_json(cell.post_processing or {})
    return cell.dataset, cell.protocol, cell.source, cell.method, *options, cell.seed, record.key
