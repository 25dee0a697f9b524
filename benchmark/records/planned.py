"""What a results folder was asked for: one file in runs/ for each run, with the cells it planned.

A request is JSON values here; benchmark/runs/kept_plan.py makes it of a RunRequest, and back. The
same command writes the same file again, so the latest plan of each is what a folder keeps, with
the commit that it was made at: what it planned and had its record already, is of the same code.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from crossres.benchmark.measures.kernels import Kernels, kernels_named
from crossres.benchmark.records.cell import Cell, canonical_json
from crossres.benchmark.records.commit import Commit
from crossres.benchmark.records.record import Record
from crossres.datasets.base.build import build
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of, write_atomically
from crossres.datasets.base.texts import read_json
from crossres.datasets.raw.source_name import is_twin

RUNS = "runs"
VERSION = 1
NAME_DIGITS = 8
REMEDY = "remove it; the next `crossres run` writes it anew"
_OF_CELL = ("dataset", "protocol", "source", "seed", "data_seed")
_OF_TRANSFER = ("trained_on", "tested_source")


@dataclass(frozen=True)
class ExpectedCell:
    """A cell as it was planned: its key, all that the key hashes, and what else was known.

    `labels` are those of its rows; `profile` the digest of what the profile says of the method,
    `manifest` and `code` those of the split and the code; `seconds` what it was expected to take.
    """

    key: str
    title: str
    labels: tuple[str, ...]
    cell: Cell
    profile: str
    manifest: str
    code: str
    seconds: float


@dataclass(frozen=True)
class KeptRun:
    """A run: its request as JSON values, the cells it planned, and when, in seconds since 1970.

    `workers`: how many cells it runs at once. `commit`: that of the repository it was started in,
    None outside of one, and for runs of older versions.
    """

    path: Path
    at: float
    workers: int
    request: Mapping[str, Any]
    cells: tuple[ExpectedCell, ...]
    commit: Commit | None = None

    @property
    def table(self) -> str:
        """The id of its table."""
        return str(self.request["table"])

    def when_json(self) -> dict[str, Any]:
        """Return when it was, and at which commit, as JSON values."""
        return {"at": self.at, "commit": _commit_json(self.commit)}


@dataclass(frozen=True)
class KeptRuns:
    """The runs that a folder keeps, the latest last, and a line for each file that is damaged."""

    runs: tuple[KeptRun, ...] = ()
    broken: tuple[str, ...] = ()

    def last(self, *tables: str) -> KeptRun | None:
        """Return the latest run, of these tables if any are given; None where none is kept."""
        runs = (run for run in reversed(self.runs) if not tables or run.table in tables)
        return next(runs, None)

    def of_key(self, key: str) -> KeptRun | None:
        """Return the latest run that planned a cell of this key."""
        runs = (run for run in reversed(self.runs) if any(c.key == key for c in run.cells))
        return next(runs, None)

    def shown_in(self, table: str, records: Iterable[Record]) -> list[Record]:
        """Return the records that a table shows: not those of what runs of other tables alone
        asked for.

        Rows of two tables may be the same method on other data sets, protocols or seeds. What no
        run asked for is shown, and everything in a table of which no run is kept.
        """
        own, others = set[tuple[Any, ...]](), set[tuple[Any, ...]]()
        for run in self.runs:
            asked = own if run.table == table else others
            asked.update(_trial(cell.cell) for cell in run.cells)
        foreign = others - own if own else set()
        return [record for record in records if _trial(record.cell) not in foreign]

    def seeds_of(self, table: str) -> tuple[int, ...]:
        """Return the seeds that runs of a table asked for, in order."""
        cells = (cell for run in self.runs if run.table == table for cell in run.cells)
        return tuple(sorted({cell.cell.seed for cell in cells}))

    @cached_property
    def asked(self) -> "Asked":
        """What is asked for: of each row and place the cell of the latest plan.

        What an earlier plan has of the same table, row, data set, protocol, seeds and profile name
        has another key because something has changed since.
        """
        latest: dict[tuple[Any, ...], tuple[ExpectedCell, KeptRun]] = {}
        codes: dict[str, str] = {}
        for run in self.runs:
            for cell in run.cells:
                codes[cell.key] = cell.code
                for label in cell.labels:
                    latest[run.table, label, *place_of(cell.cell)] = cell, run
        return Asked(
            {cell.key: cell for cell, _ in latest.values()},
            {cell.key: run for cell, run in latest.values()},
            codes,
        )


@dataclass(frozen=True)
class Asked:
    """The cells that a results folder is asked for, and the run that asks for each, by key.

    `codes`: the digest of the code that each key was last planned with, in whichever table.
    """

    cells: Mapping[str, ExpectedCell]
    runs: Mapping[str, KeptRun]
    codes: Mapping[str, str]

    def is_of_plan(self, record: Record) -> bool:
        """Say whether a record was made by the code that its cell was last planned with.

        So, too, where no kept run has planned it.
        """
        return self.codes.get(record.key, record.digests["code"]) == record.digests["code"]

    def at(self, key: str) -> float:
        """Return when the run was that asks for a cell; before all others where none does."""
        return self.runs[key].at if key in self.runs else -math.inf

    def kernels(self, key: str) -> Kernels:
        """Return the kernels that a cell is to be computed with."""
        return kernels_named(self.runs[key].request.get("kernels"))


def profile_digest(content: Mapping[str, Any]) -> str:
    """Return the digest of what a profile says of one method, as records hold it."""
    return digest_of(canonical_json(content))


def place_of(cell: Cell) -> tuple[Any, ...]:
    """Return where a cell stands, whatever its method and options, and what its profile says.

    Data that is real and partial data are of one place, as are all versions of a twin.
    """
    source = cell.source.split(":")[:2] if is_twin(cell.source) else ["given"]
    names = ("dataset", "protocol", "seed", "data_seed", "profile")
    return (*source, *(getattr(cell, name) for name in names))


def _trial(cell: Cell) -> tuple[Any, ...]:
    """Return what of the data a cell is about, whatever was run on it."""
    return cell.dataset, cell.protocol, cell.seed, cell.data_seed


def write_run(
    results: Path,
    name: Mapping[str, Any],
    request: Mapping[str, Any],
    cells: Iterable[ExpectedCell],
    *,
    at: float,
    workers: int,
    commit: Commit | None,
) -> Path:
    """Write runs/<table id>-<digest of `name`>.json, atomically; return its path.

    `name` is what of the request tells one command from another.
    """
    rows: dict[bytes, int] = {}
    contents: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    for cell in cells:
        row = {
            "labels": list(cell.labels),
            "method": cell.cell.method,
            "options": dict(cell.cell.options),
            "profile": cell.profile,
            "profile_name": cell.cell.profile,
        }
        if cell.cell.post_processing is not None:
            row["post_processing"] = dict(cell.cell.post_processing)
        number = rows.setdefault(canonical_json(row), len(rows))
        if number == len(contents):
            contents.append(row)
        content = cell.cell.content()
        of_cell = {field: content.get(field) for field in _OF_CELL}
        of_cell |= {field: content[field] for field in _OF_TRANSFER if field in content}
        own = {field: getattr(cell, field) for field in ("key", "title", "manifest", "code")}
        entries.append({**own, "row": number, **of_cell, "seconds": round(cell.seconds, 3)})
    content = {
        "version": VERSION,
        "at": at,
        "commit": _commit_json(commit),
        "workers": workers,
        "request": request,
    }
    path = (
        results / RUNS / f"{request['table']}-{digest_of(canonical_json(name))[:NAME_DIGITS]}.json"
    )
    _write(path, {**content, "rows": contents, "cells": entries})
    return path


def note_code(results: Path, codes: Mapping[str, str]) -> None:
    """Note the digest of the code that cells are made by now in the latest run that planned each.

    Of cells that are run again alone no run is kept.
    """
    kept = read_runs(results)
    for path in sorted({run.path for key in codes if (run := kept.of_key(key)) is not None}):
        content = read_json(path, "kept run", REMEDY)
        for entry in content["cells"]:
            entry["code"] = codes.get(entry["key"], entry["code"])
        _write(path, content)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a kept run, a cell on a line."""
    head = json.dumps({**content, "cells": []}, indent=1, ensure_ascii=False, allow_nan=False)
    lines = ",\n".join(
        json.dumps(entry, ensure_ascii=False, allow_nan=False) for entry in content["cells"]
    )
    write_atomically(path, head.replace('"cells": []\n}', f'"cells": [\n{lines}\n]\n}}\n'))


def read_runs(results: Path) -> KeptRuns:
    """Read the runs that a results folder keeps."""
    runs, broken = [], []
    for path in sorted((results / RUNS).glob("*.json")):
        try:
            runs.append(_read(path))
        except InputError as error:
            broken.append(str(error))
    return KeptRuns(tuple(sorted(runs, key=lambda run: (run.at, run.path.name))), tuple(broken))


def _read(path: Path) -> KeptRun:
    content = read_json(path, "kept run", REMEDY)
    try:
        if content["version"] != VERSION:
            raise InputError(f"{path}: a kept run of another version of crossres; {REMEDY}")
        rows: Sequence[Mapping[str, Any]] = content["rows"]
        cells = tuple(_cell(entry, rows[entry["row"]]) for entry in content["cells"])
        at, workers = float(content["at"]), max(1, int(content["workers"]))
        kept = content.get("commit")
        commit = None if kept is None else build(Commit, kept, f"{path}: commit")
        return KeptRun(path, at, workers, {**content["request"]}, cells, commit)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: not a kept run; {REMEDY}") from error


def _commit_json(commit: Commit | None) -> dict[str, Any] | None:
    return None if commit is None else asdict(commit)


def _cell(entry: Mapping[str, Any], row: Mapping[str, Any]) -> ExpectedCell:
    of_cell = {name: entry[name] for name in _OF_CELL}
    of_cell |= {name: entry[name] for name in _OF_TRANSFER if name in entry}
    return ExpectedCell(
        key=str(entry["key"]),
        title=str(entry["title"]),
        labels=tuple(map(str, row["labels"])),
        cell=Cell(
            row["method"],
            row["options"],
            profile=row["profile_name"],
            post_processing=row.get("post_processing"),
            **of_cell,
        ),
        profile=str(row["profile"]),
        manifest=str(entry["manifest"]),
        code=str(entry["code"]),
        seconds=float(entry["seconds"]),
    )
