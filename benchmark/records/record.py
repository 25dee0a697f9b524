"""Records: one JSON file per finished cell, written whole or not at all, checked when read.

A file that is half-written, foreign, of another version, or of another cell than its name says, is
never read as a result. Numbers that somebody altered are not seen: run the cell again for that.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from crossres.benchmark.records.cell import Cell, key_of
from crossres.benchmark.records.mistaken import no_results
from crossres.datasets.base.arguments import as_path
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.texts import read_json

SCHEMA_VERSION = 1
SCHEMA_PATH = Path(__file__).parent / "record.schema.json"
START = "start"  # of the random weights that training began with, where a method tells
DRAWS = "draws"  # of what the first steps of training drew at random, likewise
TRAINING_PIXELS = "training pixels"  # of the set that a transfer is trained on
INITIAL = "initial "  # with a network's name: the digest of the ImageNet weights it began with

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standing:
    """Beside what the numbers of a cell may stand, as it was known when the cell was run.

    `other_counts` and `other_sizes`: in what the raw folder differed from the card of its data set
    (Raw); `paper_size` and `warning`: what the profile said (Profile). `trained_counts` and
    `trained_sizes`: of a transfer, likewise of the set that it is trained on.
    """

    other_counts: tuple[str, ...] = ()
    other_sizes: tuple[str, ...] = ()
    paper_size: bool = False
    warning: str = ""
    trained_counts: tuple[str, ...] = ()
    trained_sizes: tuple[str, ...] = ()

    def content(self) -> dict[str, Any]:
        """Return it as JSON values; what only a transfer has is not there where it is empty."""
        return {n: v for n, v in asdict(self).items() if v or not n.startswith("trained")}


@dataclass(frozen=True)
class Record:
    """What record.schema.json documents. Metrics are fractions in [0, 1], times seconds.

    `metrics` and `cmc` are keyed by gallery rule ("single-shot", "multi-shot"). `first_losses`:
    means over the first steps of training; {} where none is noted, or in records of older versions.
    `standing` None: a record of an older version, which compared the data with nothing. `energy`:
    joules by hardware and phase, as `EnergyMeter.energy` gives them; {} where nothing was measured.
    """

    key: str
    cell: Cell
    profile: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, float]]
    cmc: Mapping[str, tuple[float, ...]]
    digests: Mapping[str, str]
    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    peak_memory_bytes: int
    environment: Mapping[str, str | int]
    notes: tuple[str, ...] = ()
    first_losses: Mapping[str, float] = field(default_factory=dict)
    standing: Standing | None = None
    energy: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    schema: int = field(default=SCHEMA_VERSION)

    def notes_by_set(self) -> Iterator[tuple[str, str]]:
        """Yield each note with the data set that it is of: that of the test, or of the training."""
        cell = self.cell
        of_training = trained_on_note(cell.trained, "")
        for note in self.notes:
            trained = cell.trained_on is not None and note.startswith(of_training)
            yield (cell.trained, note[len(of_training) :]) if trained else (cell.tested, note)

    @property
    def initial(self) -> dict[str, str]:
        """Network -> digest of the ImageNet weights that training began with; {} for none."""
        return {
            name.removeprefix(INITIAL): digest
            for name, digest in self.digests.items()
            if name.startswith(INITIAL)
        }


@dataclass(frozen=True)
class RecordFolder:
    """What lies in records/: the sound records by key, and one line for each file that is not."""

    records: Mapping[str, Record]
    broken: tuple[str, ...] = ()


def trained_on_note(dataset: str, note: str) -> str:
    """Return a note on the training data of a transfer as its record has it."""
    return f"trained on {dataset}: {note}"


def record_content(record: Record) -> dict[str, Any]:
    """Return the record as values of JSON, as record.schema.json describes it."""
    standing = None if record.standing is None else record.standing.content()
    content = asdict(record) | {"cell": record.cell.content(), "standing": standing}
    return content if record.energy else {n: v for n, v in content.items() if n != "energy"}


def record_path(folder: Path, key: str) -> Path:
    """Return where the record of `key` lies in the results folder."""
    return folder / "records" / f"{key}.json"


def write_record(folder: Path, record: Record) -> Path:
    """Write the record into the results folder, atomically; return its path.

    Raises ValueError when the record does not follow its own schema (a bug, never the user's).
    """
    content = record_content(record)
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    fault = record_fault(json.loads(text))
    if fault:
        raise ValueError(f"record {record.key}: {fault}")
    path = record_path(folder, record.key)
    write_atomically(path, text + "\n")
    return path


def read_record(path: Path) -> Record:
    """Read the record at `path`. Raises InputError naming the file when it is not a sound one."""
    content = read_json(path, "record", "remove it, and its cell is run again")
    fault = record_fault(content)
    if not fault and content["key"] != path.stem:
        fault = f"it is the record of {content['key']}, so it was renamed"
    if fault:
        raise InputError(f"{path}: {fault}; remove it, and its cell is run again")
    return record_from(content)


def scan_records(folder: Path) -> RecordFolder:
    """Read all records of a results folder by key, sorted, and say what is wrong with files."""
    records, broken = {}, []
    for path in sorted((folder / "records").glob("*.json")):
        try:
            record = read_record(path)
        except InputError as error:
            broken.append(str(error))
        else:
            records[record.key] = record
    return RecordFolder(records, tuple(broken))


def check_results(folder: Path) -> None:
    """Raise InputError, saying what the place is, when it is no results folder."""
    if not os.path.isdir(folder / "records"):  # noqa: PTH112 - False for names that none can have
        raise no_results(folder)


def read_records(folder: Path | str) -> list[Record]:
    """Return the sound records of a results folder, by key; log a warning for each other file.

    Raises InputError when the folder has no records/ at all.
    """
    folder = as_path(folder, "results")
    check_results(folder)
    scan = scan_records(folder)
    for line in scan.broken:
        _log.warning("ignored %s", line)
    return list(scan.records.values())


def require_records(folder: Path | str) -> list[Record]:
    """Return `read_records` of a folder. Raises InputError, too, where none of them is sound."""
    records = read_records(folder)
    if not records:
        raise InputError(f"{Path(folder) / 'records'}: no usable records; run `crossres run`")
    return records


def record_from(content: Mapping[str, Any]) -> Record:
    """Return the record of a JSON object in which `record_fault` finds nothing."""
    cmc = {rule: tuple(curve) for rule, curve in content["cmc"].items()}
    parts = {"cell": Cell(**content["cell"]), "cmc": cmc, "notes": tuple(content["notes"])}
    return Record(**{**content, **parts, "standing": _standing(content.get("standing"))})


def _standing(content: Mapping[str, Any] | None) -> Standing | None:
    if content is None:
        return None
    lists: dict[str, Any] = {n: tuple(v) for n, v in content.items() if isinstance(v, list)}
    return Standing(**{**content, **lists})


def record_fault(content: Any) -> str | None:
    """Say in one line what is wrong with a record as a JSON value; None when it is sound."""
    version = content.get("schema") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        return f"not a record of version {SCHEMA_VERSION} (schema is {version!r})"
    fault = None if _is_plainly_sound(content) else _schema_fault(content)
    if fault:
        return fault
    key = key_of(Cell(**content["cell"]), content["profile"], content["digests"]["manifest"])
    if content["key"] != key:
        return f"its cell, profile and manifest have the key {key}, so it was altered"
    return None


def _schema_fault(content: Any) -> str | None:
    """Say where a record leaves the schema; None where it does not."""
    from jsonschema import Draft202012Validator  # which few records need: most are sound

    errors = Draft202012Validator(_schema()).iter_errors(content)
    error = next(iter(sorted(errors, key=str)), None)
    if error is None:
        return None
    where = "/".join(str(part) for part in error.absolute_path) or "the record"
    return f"does not follow the record schema at {where}: {error.message[:200]}"


def _is_plainly_sound(content: Any) -> bool:
    """Say whether a record follows the schema, in a fortieth of the time of `_schema_fault`.

    Where this is stricter (a line end behind a digest, say), `_schema_fault` decides.
    """
    try:
        _compiled_schema()(content)
    except fastjsonschema.JsonSchemaException:
        return False
    return True


@cache
def _compiled_schema() -> Callable[[Any], Any]:
    """Return the schema as a function; definitions in place of references, which cost a call."""
    schema = _schema()
    definitions = {f"#/$defs/{name}": entry for name, entry in schema.pop("$defs").items()}
    check: Callable[[Any], Any] = fastjsonschema.compile(
        _without_references(schema, definitions), use_default=False
    )
    return check


def _without_references(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_without_references(entry, definitions) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return definitions[schema["$ref"]]
    return {name: _without_references(entry, definitions) for name, entry in schema.items()}


def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema
