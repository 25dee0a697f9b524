"""An evaluation as files: JSON or CSV, as the name ends. Both hold the same numbers, all digits."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import check_place, write_atomically
from crossres.datasets.base.texts import cell_text

SUFFIXES = (".json", ".csv")


def check_places(files: Sequence[Path]) -> None:
    """Raise InputError, before anything is computed, when one of these cannot be written."""
    for file in files:
        if file.suffix.lower() not in SUFFIXES:
            raise InputError(f"{file}: give a name that ends in {' or '.join(SUFFIXES)}")
        check_place(file)
    if len({file.resolve() for file in files}) < len(files):
        raise InputError(f"{files[0]}: two files cannot have one name; give each its own")


def write_answer(file: Path, answer: Mapping[str, Any]) -> None:
    """Write an answer whole or not at all: as JSON, or a header and one line of CSV.

    In CSV the bounds of `intervals` are the columns `<metric>_low` and `<metric>_high`, an entry
    of an object is `<object>.<name>` (`rules.gallery`, `against.differences.rank1.p`), and notes
    are joined by " | ". InputError where it cannot be written.
    """
    if _is_json(file):
        write_atomically(file, json.dumps(answer, indent=1, allow_nan=False) + "\n")
    else:
        flat = dict(chain.from_iterable(_flat(name, value) for name, value in answer.items()))
        write_atomically(file, _csv(flat, [flat.values()]))


def write_table(file: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns whole or not at all: as JSON of columns, or CSV of one row each.

    What has no value is null, or empty. InputError where it cannot be written.
    """
    if _is_json(file):
        write_atomically(file, json.dumps(columns, allow_nan=False) + "\n")
    else:
        write_atomically(file, _csv(columns, zip(*columns.values(), strict=True)))


def _is_json(file: Path) -> bool:
    return file.suffix.lower() == ".json"


def _flat(name: str, value: Any) -> list[tuple[str, Any]]:
    if name.rpartition(".")[2] == "intervals":
        before = name.removesuffix("intervals")
        bounds = {metric: interval or (None, None) for metric, interval in value.items()}
        return [
            (f"{before}{metric}_{end}", bound)
            for metric, interval in bounds.items()
            for end, bound in zip(("low", "high"), interval, strict=True)
        ]
    if isinstance(value, dict):
        return [entry for inner, item in value.items() for entry in _flat(f"{name}.{inner}", item)]
    return [(name, " | ".join(value) if isinstance(value, list) else value)]


def _csv(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(map(_cell, row) for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Return what the CSV writer makes the text of JSON of: true, false, nothing, all digits."""
    if isinstance(value, bool):
        return str(value).lower()
    return cell_text(value) if isinstance(value, str) else value
