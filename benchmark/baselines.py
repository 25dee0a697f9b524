"""Baselines: the records of a results folder in one file, which a team commits.

One line per cell, so that a change of a baseline reads well in a diff.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.cells import canonical_json
from benchmark.records import Record, record_fault, record_from
from datasets.errors import InputError

FORMAT = "crossres baseline"
VERSION = 1
REMEDY = "make it again with `crossres baseline RESULTS`"


def to_baseline(records: Iterable[Record]) -> str:
    """The content of a baseline file; the same records give the same bytes, in whatever order.

    Records stand whole, by data set, protocol, method, options and seed. Raises InputError without
    any record.
    """
    lines = [
        json.dumps(asdict(record), sort_keys=True, allow_nan=False, ensure_ascii=False)
        for record in sorted(records, key=_place)
    ]
    if not lines:
        raise InputError("a baseline needs records; fill the results folder with `crossres run`")
    head = json.dumps({"format": FORMAT, "version": VERSION})
    return head[:-1] + ', "records": [\n' + ",\n".join(lines) + "\n]}\n"


def read_baseline(path: Path) -> list[Record]:
    """The records of a baseline file, in its order.

    Raises InputError naming the file and the line when it is no baseline, or was altered.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a readable baseline ({error}); {REMEDY}") from error
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
    return records


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
