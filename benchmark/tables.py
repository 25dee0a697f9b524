"""Table files: which rows, data sets, metrics and seeds a table has, and what papers published.

A table is a TOML file; the built-in ones lie in tables/, a user's own is given by its path.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from benchmark.metrics import GALLERY_RULES, METRICS, GalleryRule
from benchmark.profiles import profile_names
from benchmark.toml import checked, read_toml
from datasets.cards import CARDS
from datasets.errors import InputError
from datasets.places import place
from datasets.protocols import canonical_text, gallery_rule
from methods import method_names

FOLDER = Path(__file__).parent / "tables"
CLAIMS = "claims"  # how the names of files in the folder begin that are no tables: see claims.py
OF_PROTOCOL = "protocol"  # the gallery rule of a table whose columns have each that of its protocol


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

    `latex` is the label as LaTeX (None: escape `label`); `published` the row's name in the CSV;
    `protocol` the row's own protocol, for tables whose rows differ in their data, and
    `twin_protocol` what stands for it on twins, which have fewer identities (None: the same).
    """

    label: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    latex: str | None = None
    published: str | None = None
    protocol: str | None = None
    twin_protocol: str | None = None

    def protocol_on(self, *, twin: bool) -> str | None:
        """The row's own protocol on twins or on real data; None: that of the column."""
        return (twin and self.twin_protocol) or self.protocol


@dataclass(frozen=True)
class Table:
    """One table file; datasets are ids.

    `gallery` is the rule of the headline numbers, "protocol" for that of each column's protocol;
    `protocols` are run on every data set, each a column (none: the default of each data set);
    `reference` is the label of the row that the others are held against (None: the best one),
    `profile` the built-in profile that it is run with unless another one is asked for.
    """

    id: str
    title: str
    caption: str
    gallery: GalleryRule | Literal["protocol"]
    metrics: tuple[str, ...]
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    published: tuple[Published, ...] = ()
    protocols: tuple[str, ...] = ()
    reference: str | None = None
    profile: str = "quick"

    @property
    def is_by_row(self) -> bool:
        """Whether rows have protocols of their own."""
        return any(row.protocol for row in self.rows)

    def rule(self, protocol: str) -> GalleryRule:
        """The rule of the headline numbers under this protocol (with its options)."""
        found = gallery_rule(protocol) if self.gallery == OF_PROTOCOL else self.gallery
        return cast(GalleryRule, found)

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
        path = place(name)
        if path.suffix != ".toml":
            raise InputError(
                f"unknown table {str(name)!r}; the built-in tables are {', '.join(table_names())}; "
                "a table of your own is given by the path of its .toml file"
            )
    return _table(path, read_toml(path, "table"))


def built_in_tables() -> list[Table]:
    """All built-in tables, by id."""
    return [load_table(name) for name in table_names()]


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
        optional={
            "title": str,
            "caption": str,
            "gallery": str,
            "published": str,
            "protocols": list,
            "reference": str,
            "profile": str,
        },
    )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", values["id"]):
        raise InputError(f"{where}: id {values['id']!r} must be letters, digits, '-', '_' and '.'")
    gallery = values.get("gallery", "single-shot")
    _known(where, "gallery", [gallery], [*GALLERY_RULES, OF_PROTOCOL])
    _known(where, "metrics", values["metrics"], list(METRICS))
    _known(where, "datasets", values["datasets"], list(CARDS))
    rows = tuple(_row(where, index, row) for index, row in enumerate(values["rows"], start=1))
    labels = [row.label for row in rows]
    _unique(where, "label", labels)
    own = [text for row in rows for text in (row.protocol, row.twin_protocol) if text]
    _check_protocols(where, values["datasets"], own)
    if values.get("reference", labels[0]) not in labels:
        raise InputError(f"{where}: reference {values['reference']!r} is no label of its rows")
    protocols = values.get("protocols", [])
    _check_protocols(where, values["datasets"], protocols)
    if own and (protocols or gallery == OF_PROTOCOL):
        raise InputError(
            f"{where}: where rows have protocols of their own, the table has no protocols, "
            "and names one gallery rule for all"
        )
    return Table(
        id=values["id"],
        title=values.get("title", values["id"]),
        caption=values.get("caption", ""),
        gallery=cast(Any, gallery),
        metrics=tuple(values["metrics"]),
        datasets=tuple(values["datasets"]),
        seeds=_seeds(where, values["seeds"]),
        rows=rows,
        published=_read_published(path, values.get("published")),
        protocols=tuple(protocols),
        reference=values.get("reference"),
        profile=_profile(where, values.get("profile", "quick")),
    )


def _row(where: str, index: int, content: Any) -> Row:
    here = f"{where}, row {index}"
    if not isinstance(content, dict):
        raise InputError(f"{here}: must be a [[rows]] entry with label and method")
    values = checked(
        here,
        content,
        required={"label": str, "method": str},
        optional={
            "options": dict,
            "latex": str,
            "published": str,
            "protocol": str,
            "twin_protocol": str,
        },
    )
    if values["method"] not in method_names():
        known = ", ".join(method_names())
        raise InputError(f"{here}: unknown method {values['method']!r}; known methods: {known}")
    if "twin_protocol" in values and "protocol" not in values:
        raise InputError(f"{here}: twin_protocol stands for a protocol, which is missing")
    return Row(**values)


def _profile(where: str, name: str) -> str:
    if name not in profile_names():
        known = ", ".join(profile_names())
        raise InputError(f"{where}: unknown profile {name!r}; the built-in profiles are {known}")
    return name


def _check_protocols(where: str, datasets: list[str], protocols: list[Any]) -> None:
    for protocol in protocols:
        if not isinstance(protocol, str):
            raise InputError(f"{where}: protocol {protocol!r} must be a name with its options")
        for dataset in datasets:
            try:
                canonical_text(dataset, protocol)
            except InputError as error:
                raise InputError(f"{where}: {error}") from error


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
    path = table_path.parent / place(name)
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
