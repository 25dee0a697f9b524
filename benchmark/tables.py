"""Table files: which rows, data sets, metrics and seeds a table has, and what papers published.

A table is a TOML file; the built-in ones lie in tables/, a user's own is given by its path.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from benchmark.metrics import GALLERY_RULES, METRICS, GalleryRule
from benchmark.toml import checked, read_toml
from datasets.cards import CARDS
from datasets.errors import InputError
from methods import method_names

FOLDER = Path(__file__).parent / "tables"
CLAIMS = "claims"  # how the names of files in the folder begin that are no tables: see claims.py


@dataclass(frozen=True)
class Published:
    """One printed number: `value` in per cent as printed, `source` says where."""

    row: str
    dataset: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True)
class Row:
    """One row of a table: a method with the options that differ from its defaults.

    `latex` is the label as LaTeX (None: escape `label`); `published` the row's name in the CSV.
    """

    label: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    latex: str | None = None
    published: str | None = None


@dataclass(frozen=True)
class Table:
    """One table file. `gallery` is the rule of the headline numbers; datasets are ids."""

    id: str
    title: str
    caption: str
    gallery: GalleryRule
    metrics: tuple[str, ...]
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    published: tuple[Published, ...] = ()

    def published_value(self, row: Row, dataset: str, metric: str) -> Published | None:
        """What was printed for this cell (`dataset` is an id, not a title), None if nothing was."""
        title = CARDS[dataset].title if dataset in CARDS else dataset
        wanted = (row.published, title, metric)
        found = (p for p in self.published if (p.row, p.dataset, p.metric) == wanted)
        return next(found, None)


def table_names() -> list[str]:
    """The ids of the built-in tables, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml") if not path.stem.startswith(CLAIMS))


def load_table(name: str | Path) -> Table:
    """The built-in table of that id, or the table file at that path.

    Raises InputError naming the file and the entry when anything in it is unknown or ill-typed.
    """
    path = FOLDER / f"{name}.toml"
    if str(name) not in table_names():
        path = Path(name)
        if path.suffix != ".toml":
            raise InputError(
                f"unknown table {str(name)!r}; the built-in tables are {', '.join(table_names())}; "
                "a table of your own is given by the path of its .toml file"
            )
    return _table(path, read_toml(path, "table"))


def select_rows(table: Table, wanted: list[str] | None) -> tuple[Row, ...]:
    """The rows whose label, published name or number (from 1) is in `wanted`; None: all rows."""
    if wanted is None:
        return table.rows
    chosen = [_find_row(table, name.strip()) for name in wanted]
    return tuple(row for row in table.rows if row in chosen)


def _find_row(table: Table, name: str) -> Row:
    for number, row in enumerate(table.rows, start=1):
        if name in (row.label, row.published, str(number)):
            return row
    labels = ", ".join(f"{n} = {row.label}" for n, row in enumerate(table.rows, start=1))
    raise InputError(f"table {table.id} has no row {name!r}; its rows are {labels}")


def _table(path: Path, content: dict[str, Any]) -> Table:
    where = f"table {path}"
    values = checked(
        where,
        content,
        required={"id": str, "rows": list, "datasets": list, "metrics": list, "seeds": list},
        optional={"title": str, "caption": str, "gallery": str, "published": str},
    )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", values["id"]):
        raise InputError(f"{where}: id {values['id']!r} must be letters, digits, '-', '_' and '.'")
    gallery = values.get("gallery", "single-shot")
    _known(where, "gallery", [gallery], list(GALLERY_RULES))
    _known(where, "metrics", values["metrics"], list(METRICS))
    _known(where, "datasets", values["datasets"], list(CARDS))
    rows = tuple(_row(where, index, row) for index, row in enumerate(values["rows"], start=1))
    _unique(where, "label", [row.label for row in rows])
    return Table(
        id=values["id"],
        title=values.get("title", values["id"]),
        caption=values.get("caption", ""),
        gallery=cast(GalleryRule, gallery),
        metrics=tuple(values["metrics"]),
        datasets=tuple(values["datasets"]),
        seeds=_seeds(where, values["seeds"]),
        rows=rows,
        published=_read_published(path, values.get("published")),
    )


def _row(where: str, index: int, content: Any) -> Row:
    here = f"{where}, row {index}"
    if not isinstance(content, dict):
        raise InputError(f"{here}: must be a [[rows]] entry with label and method")
    values = checked(
        here,
        content,
        required={"label": str, "method": str},
        optional={"options": dict, "latex": str, "published": str},
    )
    if values["method"] not in method_names():
        known = ", ".join(method_names())
        raise InputError(f"{here}: unknown method {values['method']!r}; known methods: {known}")
    return Row(**values)


def _known(where: str, what: str, given: list[Any], known: list[str]) -> None:
    if not given:
        raise InputError(f"{where}: {what} is empty; choose among {', '.join(known)}")
    for value in given:
        if value not in known:
            raise InputError(f"{where}: unknown {what} {value!r}; known are {', '.join(known)}")
    _unique(where, what, given)


def _unique(where: str, what: str, values: list[Any]) -> None:
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise InputError(f"{where}: {what} {twice[0]!r} stands twice; remove one")
    if not values:
        raise InputError(f"{where}: there is no {what}; a table needs at least one")


def _seeds(where: str, given: list[Any]) -> tuple[int, ...]:
    _unique(where, "seed", given)
    for seed in given:
        if type(seed) is not int or seed < 0:
            raise InputError(f"{where}: seed {seed!r} must be an integer from 0")
    return tuple(given)


COLUMNS = ("row", "dataset", "metric", "value", "source")


def _read_published(table_path: Path, name: str | None) -> tuple[Published, ...]:
    if name is None:
        return ()
    path = table_path.parent / name
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot read the published numbers ({error})") from error
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InputError(f"{path}: the first line must be {','.join(COLUMNS)}")
    return tuple(_published(path, number, line) for number, line in enumerate(lines, start=2))


def _published(path: Path, number: int, line: dict[str, Any]) -> Published:
    try:
        value = float(line["value"])
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}, line {number}: {line['value']!r} is not a number") from error
    if not 0 <= value <= 100 or any(not line[column] for column in COLUMNS):
        raise InputError(f"{path}, line {number}: needs five columns, the value in per cent")
    return Published(line["row"], line["dataset"], line["metric"], value, line["source"])
