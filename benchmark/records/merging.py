"""Merging results folders: what any of them holds, each file once, nothing overwritten.

A cell that two folders have with two results is in dispute: none of its files is written. Each file
is written whole, a record after all else of its cell, so a merge that was killed is done again.
"""

import io
import tomllib
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossres.benchmark.records.artifacts import UNREADABLE, artifact_path
from crossres.benchmark.records.cell import canonical_json
from crossres.benchmark.records.failures import failure_log
from crossres.benchmark.records.images import IMAGES, images_fault, images_path
from crossres.benchmark.records.kept import CLAIMS, DATASETS, TABLES
from crossres.benchmark.records.planned import RUNS, KeptRun, read_runs
from crossres.benchmark.records.record import (
    Record,
    check_results,
    record_content,
    record_path,
    scan_records,
)
from crossres.benchmark.records.weights import has_weights, weights_path, write_weights
from crossres.datasets.base.errors import reason
from crossres.datasets.base.files import write_atomically


@dataclass(frozen=True)
class Dispute:
    """Two or more files of one name, no two of which say the same; `differ` names in what."""

    name: str
    title: str
    paths: tuple[Path, ...]
    differ: tuple[str, ...] = ()


@dataclass(frozen=True)
class Merged:
    """What a merge did: files written by kind, what is in dispute, a line for each damaged file.

    `there` counts the records that `out` had already.
    """

    out: Path
    written: Mapping[str, int]
    there: int
    disputes: tuple[Dispute, ...]
    damaged: tuple[str, ...]


def merge_folders(folders: Sequence[Path], out: Path) -> Merged:
    """Merge results folders into `out`, which may be one of them, or hold results of its own.

    Records are the same where their digests, metrics and CMC are: seconds, memory and the machine
    may differ, and so may the code. Of those `out` keeps its own, else that of the first folder.
    Raises InputError where a folder is no results folder, and where `out` cannot be written.
    """
    for folder in folders:
        check_results(folder)
    merge = _Merge(_each_once([out, *folders]), out)
    merge.images()  # before the cells that retrieved them
    merge.cells()
    merge.definitions()
    merge.kept(TABLES)
    merge.kept(CLAIMS)
    merge.runs()
    return merge.result()


def result_of(record: Record) -> dict[str, Any]:
    """Return by name what two records of one key must have in common to be one result."""
    content = record_content(record)
    digests = {name: value for name, value in record.digests.items() if name != "code"}
    return {**digests, "metrics": content["metrics"], "cmc": content["cmc"]}


def differing(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the names of what differs in the results of records of one key.

    A digest that one of them lacks, as those of older versions do, tells nothing.
    """
    values: dict[str, list[Any]] = {}
    for record in records:
        for name, value in result_of(record).items():
            values.setdefault(name, []).append(value)
    return tuple(name for name, of_all in values.items() if any(v != of_all[0] for v in of_all))


def _each_once(folders: Iterable[Path]) -> list[Path]:
    """Return the folders in order, without those that are another one by another name."""
    firsts: dict[Path, Path] = {}
    for folder in folders:
        firsts.setdefault(folder.resolve(), folder)
    return list(firsts.values())


@dataclass
class _Merge:
    """A merge under way. `folders` begin with `out`."""

    folders: Sequence[Path]
    out: Path
    written: Counter[str] = field(default_factory=Counter)
    disputes: list[Dispute] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    there: int = 0

    def result(self) -> Merged:
        damaged = tuple(dict.fromkeys(self.damaged))
        return Merged(self.out, dict(self.written), self.there, tuple(self.disputes), damaged)

    def cells(self) -> None:
        """Write the records with all that belongs to them, then the logs of failed cells."""
        scans = {folder: scan_records(folder) for folder in self.folders}
        for scan in scans.values():
            self.damaged += scan.broken
        keys = sorted({key for scan in scans.values() for key in scan.records})
        for key in keys:
            self.cell(
                key, {f: scan.records[key] for f, scan in scans.items() if key in scan.records}
            )
        self.failures(set(keys))

    def cell(self, key: str, records: Mapping[Path, Record]) -> None:
        """Write one cell, the record last: where it is, the rest is."""
        differ = differing(list(records.values()))
        if differ:
            paths = tuple(record_path(folder, key) for folder in records)
            self.disputes.append(Dispute(key, _title(next(iter(records.values()))), paths, differ))
            return
        self.artifact(key, records)
        self.weights(key, records)
        if self.out in records:
            self.there += 1
            return
        write_atomically(
            record_path(self.out, key), record_path(next(iter(records)), key).read_bytes()
        )
        self.written["records"] += 1

    def artifact(self, key: str, folders: Iterable[Path]) -> None:
        """Write the first sound artifact, unless `out` has one."""
        for folder in folders:
            path = artifact_path(folder, key)
            content = self.read(path, _archive_fault)
            if content is not None:
                if folder != self.out:
                    write_atomically(artifact_path(self.out, key), content)
                    self.written["artifacts"] += 1
                return

    def weights(self, key: str, records: Mapping[Path, Record]) -> None:
        """Write the first whole folder of weights, unless `out` has it."""
        for folder, record in records.items():
            path = weights_path(folder, key)
            if has_weights(folder, record):
                if folder != self.out:
                    files = {each.name: each.read_bytes() for each in sorted(path.iterdir())}
                    write_weights(self.out, key, files)
                    self.written["weights"] += 1
                return
            if path.exists():
                self.damaged.append(
                    f"{path}: not the weights of the record {key}; remove it, then run again with "
                    "--save-weights"
                )

    def failures(self, finished: set[str]) -> None:
        """Write the logs of cells that no folder has a record of; the first of each cell."""
        for folder in self.folders:
            for path in sorted((folder / "failures").glob("*.log")):
                own = failure_log(self.out, path.stem)
                if path.stem not in finished and not own.exists():
                    write_atomically(own, path.read_bytes())
                    self.written["failures"] += 1

    def images(self) -> None:
        """Write all thumbnails: files of one name are equal, and none lacks what others have."""
        for folder in self.folders[1:]:
            for path in sorted((folder / IMAGES).glob("*/[!.]*.npz")):
                own = images_path(self.out, path.parent.name) / path.name
                content = None if own.exists() else self.read(path, _images_fault)
                if content is not None:
                    write_atomically(own, content)
                    self.written[IMAGES] += 1

    def definitions(self) -> None:
        """Write the definitions of users' own sets: the first of each, as the others name other
        places.
        """
        for folder in self.folders[1:]:
            for path in sorted((folder / DATASETS).glob("*")):
                own = self.out / DATASETS / path.name
                if path.is_file() and not own.exists():
                    write_atomically(own, path.read_bytes())
                    self.written[DATASETS] += 1

    def kept(self, name: str) -> None:
        """Write the TOML files that results folders keep in the folder `name`."""
        names = {path.name for f in self.folders for path in (f / name).glob("*.toml")}
        for file in sorted(names):
            paths = [folder / name / file for folder in self.folders]
            contents = {path: self.read(path, _toml_fault) for path in paths}
            sound = {path: content for path, content in contents.items() if content is not None}
            distinct = {_said(content): path for path, content in reversed(sound.items())}
            if len(distinct) > 1:
                first_of_each = tuple(path for path in sound if path in distinct.values())
                self.disputes.append(Dispute(f"{name}/{file}", "", first_of_each))
            elif sound and paths[0] not in sound:
                write_atomically(paths[0], next(iter(sound.values())))
                self.written[name] += 1

    def runs(self) -> None:
        """Write the kept runs; of one command the latest, whose plan is that of today."""
        of_name: dict[str, list[KeptRun]] = {}
        for folder in self.folders:
            kept = read_runs(folder)
            self.damaged += kept.broken
            for run in kept.runs:
                of_name.setdefault(run.path.name, []).append(run)
        for name, runs in sorted(of_name.items()):
            latest = max(runs, key=lambda run: run.at)
            if latest.path.parents[1] != self.out:
                write_atomically(self.out / RUNS / name, latest.path.read_bytes())
                self.written[RUNS] += 1

    def read(self, path: Path, fault: Callable[[Path, bytes], str]) -> bytes | None:
        """Return the content of a file; None where it is not there, or is damaged (noted)."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            text = f"{path}: cannot be read ({reason(error)}); check its permissions"
        else:
            text = fault(path, content)
        if text:
            self.damaged.append(text)
        return None if text else content


def _archive_fault(path: Path, content: bytes) -> str:
    """Say what is wrong with the bytes of an artifact; "" when every array in it is whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sound = archive.testzip() is None
    except UNREADABLE:
        sound = False
    remedy = "delete it and its record, then run again"
    return "" if sound else f"{path}: not a readable artifact (it is damaged); {remedy}"


def _images_fault(path: Path, content: bytes) -> str:
    fault = images_fault(content)
    return fault and f"{path}: {fault}"


def _toml_fault(path: Path, content: bytes) -> str:
    try:
        tomllib.loads(content.decode())
    except ValueError as error:
        return f"{path}: not TOML ({error}); remove it"
    return ""


def _said(content: bytes) -> bytes:
    """Return what a kept table or claims file says, wherever the files of its methods lay."""
    values = tomllib.loads(content.decode())
    for file in values.get("method_files", []):
        file.pop("path", None)
    return canonical_json(values)


def _title(record: Record) -> str:
    cell = record.cell
    return f"{cell.method} on {cell.dataset}, {cell.protocol}, {cell.source}, seed {cell.seed}"
