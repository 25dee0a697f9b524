"""Table files: which rows, data sets, metrics and seeds a table has, and what papers published.

A table is a TOML file; the built-in ones lie in tables/, a user's own is given by its path.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from crossres.benchmark.config.cell_sets import CellSets, cell_sets, split_name
from crossres.benchmark.config.post_processing import MARK, post_processing_from
from crossres.benchmark.config.profiles import profile_names
from crossres.benchmark.config.transfers import set_ids
from crossres.benchmark.metrics.by_rate import NAMES
from crossres.benchmark.metrics.rules import GALLERY_RULES, GalleryRule
from crossres.datasets.base.arguments import as_path, as_several
from crossres.datasets.base.bounds import checked_seeds
from crossres.datasets.base.build import build, checked, hints_of
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.places import user_path
from crossres.datasets.base.suggest import did_you_mean, unknown
from crossres.datasets.base.texts import check_name, plain_number, plain_text, read_csv, read_toml
from crossres.datasets.cards import CARDS, Card, card
from crossres.datasets.own.definition import is_definition, own_set
from crossres.datasets.protocols import canonical_text, gallery_rule
from crossres.methods.interface.method_files import MethodFile, is_file_spec
from crossres.methods.interface.options import check_names
from crossres.methods.interface.registry import (
    declaration,
    file_as_now,
    is_method,
    method_names,
    register_method,
    remember_file,
)

FOLDER = Path(__file__).parents[1] / "tables"
CLAIMS = "claims"  # how the names of files in the folder begin that are no tables: see claims.py
COLUMNS = ("row", "dataset", "metric", "value", "source")  # of published numbers
ENTRIES: dict[str, Any] = {
    **dict.fromkeys(("id", "title", "caption", "gallery", "reference", "profile"), str),
    **dict.fromkeys(("rows", "datasets", "metrics", "seeds", "protocols"), list),
    "published": Any,
    "oracle": dict,
    "method_files": list,
}
REQUIRED = ("id", "rows", "datasets", "metrics", "seeds")
LATEX_MARK = r"\textsuperscript{\dag}"
LONGEST, LONGEST_LABEL = 2000, 200  # characters of a caption, and of a row's label
_TITLES = {card.title: card.title for card in CARDS.values()}
_DATASETS = {**_TITLES, **{name: card.title for name, card in CARDS.items()}}
ORACLE = "oracle"  # what selects the oracle of a table among its rows, beside its label
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
    `post_processing` (PostProcessing.content; {}: none) is what is done at test time beyond one
    embedding of each image; the label of such a row is made to end with MARK, so that it is seen
    wherever the row is named, and no other label may have that sign.
    """

    label: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    latex: str | None = None
    published: str | None = None
    protocol: str | None = None
    twin_protocol: str | None = None
    post_processing: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Resolve the post-processing and mark the row. InputError, ValueError for a wrong one."""
        where = f"row {self.label!r}: post_processing"
        processing = post_processing_from(self.post_processing, where).content()
        object.__setattr__(self, "post_processing", processing)
        if processing:
            object.__setattr__(self, "label", f"{unmarked(self.label)} {MARK}")
            if self.latex is not None:
                latex = f"{self.latex.removesuffix(LATEX_MARK)}{LATEX_MARK}"
                object.__setattr__(self, "latex", latex)
        elif MARK in self.label:
            raise ValueError(
                f"{MARK} marks rows with post_processing, and {self.label!r} has none; "
                "leave the sign out of the label"
            )

    def protocol_on(self, *, twin: bool) -> str | None:
        """Return the row's own protocol on twins or on real data; None: that of the column."""
        return (twin and self.twin_protocol) or self.protocol


@dataclass(frozen=True)
class Table:
    """One table file; datasets are ids, those of users' own sets among them: their cards are `own`.
    TRAIN:TEST of two ids is a transfer, of cells that are trained on one set and tested on another.

    `gallery` is the rule of the headline numbers, "protocol" for that of each column's protocol;
    `protocols` are run on every data set, each a column (none: the default of each data set);
    `reference` is the label of the row that the others are held against (None: the best one),
    `profile` the built-in profile that it is run with unless another one is asked for. `oracle` is
    a control that shows what there is to win: a method with a protocol of its own, tested on the
    queries of the default protocols before they are down-sampled. It is none of `rows`, so no
    statement about these knows of it. `method_files` are those of its methods that are in files of
    a user's own; rows name them as any other.
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
    oracle: Row | None = None
    method_files: tuple[MethodFile, ...] = ()
    own: tuple[Card, ...] = ()

    def sets(self, dataset: str | Card | CellSets) -> CellSets:
        """Return the sets of cells on a data set or a transfer of this name.

        Raises InputError for an unknown one, and where one cannot be tested after the other.
        """
        if isinstance(dataset, CellSets):
            return dataset
        if isinstance(dataset, Card):
            return CellSets(dataset)
        return cell_sets(*(self._own_card(name) or card(name) for name in set_ids(dataset)))

    def known_card(self, dataset: str) -> Card | None:
        """Return the card of a data set, of the table's own or of ours; None: of neither.

        Of a transfer it is that of the tested one.
        """
        tested = set_ids(dataset)[1]
        return self._own_card(tested) or CARDS.get(tested)

    def _own_card(self, dataset: str) -> Card | None:
        return next((card for card in self.own if card.id == dataset), None)

    @property
    def lines(self) -> tuple[Row, ...]:
        """The rows, and below them the oracle, if there is one."""
        return self.rows if self.oracle is None else (*self.rows, self.oracle)

    @property
    def is_by_row(self) -> bool:
        """Whether rows have protocols of their own."""
        return any(row.protocol for row in self.rows)

    def rule(self, protocol: str) -> GalleryRule:
        """Return the rule of the headline numbers under this protocol (with its options)."""
        rule = gallery_rule(protocol) if self.gallery == OF_PROTOCOL else self.gallery
        return cast(GalleryRule, rule)

    def published_value(self, row: Row, dataset: str, metric: str) -> Published | None:
        """Return what was printed for this cell, if anything; `dataset` is an id, not a title."""
        title = CARDS[dataset].title if dataset in CARDS else dataset
        cell = (row.published, title, metric)
        numbers = (p for p in self.published if (p.row, p.dataset, p.metric) == cell)
        return next(numbers, None)


def table_names() -> list[str]:
    """Return the ids of the built-in tables, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml") if not path.stem.startswith(CLAIMS))


def load_table(name: str | Path) -> Table:
    """Return the built-in table of that id, or the table file at that path.

    Raises InputError naming the file and the entry when anything in it is unknown or ill-typed.
    """
    path = FOLDER / f"{name}.toml"
    if str(as_path(name, "table")) not in table_names():
        path = user_path(name)
        if path.suffix != ".toml":
            raise InputError(
                f"unknown table {str(name)!r}{did_you_mean(name, table_names())}; "
                f"the built-in tables are {', '.join(table_names())}; "
                "a table of your own is given by the path of its .toml file"
            )
    return table_from(path, read_toml(path, "table"))


def asked_tables(tables: Any) -> list[Table]:
    """Return tables given as one, several or what `load_table` takes; None: all built-in ones."""
    if tables is None:
        return built_in_tables()
    return as_several(tables, "tables", _asked_table)


def _asked_table(table: Any, _: str) -> Table:
    return table if isinstance(table, Table) else load_table(table)


def built_in_tables() -> list[Table]:
    """Return all built-in tables, by id."""
    return [load_table(name) for name in table_names()]


def select_rows(table: Table, names: list[str] | None) -> tuple[Row, ...]:
    """Return the rows by their labels, published names or numbers (from 1); None: all rows.

    The oracle comes last: it is named by its label or ORACLE, and is one of all.
    """
    if names is None:
        return table.lines
    chosen = [_find_row(table, name.strip()) for name in names]
    return tuple(row for row in table.lines if row in chosen)


def _find_row(table: Table, name: str) -> Row:
    # A label is looked for before a number, so that a row that is called "1" can be named.
    for names in (
        {row.label: row for row in table.lines},
        {unmarked(row.label): row for row in table.lines},
        {row.published: row for row in reversed(table.rows)},
        {str(number): row for number, row in enumerate(table.rows, start=1)},
        {ORACLE: table.oracle} if table.oracle else {},
    ):
        if name in names:
            return names[name]
    labels = ", ".join(f"{n} = {row.label}" for n, row in enumerate(table.rows, start=1))
    labels += f", {ORACLE} = {table.oracle.label}" if table.oracle else ""
    near = did_you_mean(name, [row.label for row in table.lines])
    raise InputError(f"table {table.id} has no row {name!r}{near}; its rows are {labels}")


def table_from(path: Path, content: dict[str, Any]) -> Table:
    """Return the table of a TOML file's content. Raises InputError as `load_table`.

    Files that its rows name as their methods are run; of those that are kept with it nothing is.
    """
    where = f"table {path}"
    values = checked(where, content, ENTRIES, REQUIRED)
    files = _Files(path.parent, where, values.get("method_files", []))
    check_name(f"{where}: id", values["id"])
    gallery = values.get("gallery", "single-shot")
    _check_names(where, "gallery", [gallery], [*GALLERY_RULES, OF_PROTOCOL])
    _check_names(where, "metrics", values["metrics"], list(NAMES))
    chosen, own = _datasets(where, path.parent, values["datasets"])
    datasets = list(dict.fromkeys(sets.tested for sets in chosen))
    rows = tuple(
        _row(f"{where}, row {number}", row, files)
        for number, row in enumerate(values["rows"], start=1)
    )
    oracle = _oracle(where, values["oracle"], files) if "oracle" in values else None
    labels = [row.label for row in rows]
    _check_unique(where, "label", [*labels, oracle.label] if oracle else labels)
    row_protocols = [text for row in rows for text in (row.protocol, row.twin_protocol) if text]
    _check_protocols(where, datasets, row_protocols)
    if values.get("reference") not in (None, *labels):
        marked = f"{values['reference']} {MARK}"
        values |= {"reference": marked} if marked in labels else {}
    if values.get("reference", labels[0]) not in labels:
        near = did_you_mean(values["reference"], labels)
        raise InputError(
            f"{where}: reference {values['reference']!r} is no label of its rows{near}"
        )
    protocols = values.get("protocols", [])
    _check_protocols(where, datasets, protocols)
    if row_protocols and (protocols or gallery == OF_PROTOCOL):
        raise InputError(
            f"{where}: where rows have protocols of their own, the table has no protocols, "
            "and names one gallery rule for all"
        )
    if oracle and (protocols or row_protocols):
        raise InputError(
            f"{where}: an oracle stands beside the default protocol of each data set; "
            "take it out, or the protocols of the table and its rows"
        )
    _check_protocols(where, datasets, [oracle.protocol] if oracle else [])
    if row_protocols and any(sets.trained_on for sets in chosen):
        raise InputError(
            f"{where}: where rows have protocols of their own, which say what is trained on, no "
            "other set can be; take train out of datasets, or protocol out of the rows"
        )
    return Table(
        id=values["id"],
        title=plain_text(f"{where}: title", values.get("title") or values["id"], LONGEST),
        caption=plain_text(f"{where}: caption", values["caption"], LONGEST)
        if values.get("caption")
        else "",
        gallery=cast(Any, gallery),
        metrics=tuple(values["metrics"]),
        datasets=tuple(sets.id for sets in chosen),
        seeds=checked_seeds(values["seeds"], where),
        rows=rows,
        published=_published(path, values.get("published", []), rows),
        protocols=tuple(protocols),
        reference=values.get("reference"),
        profile=_profile(where, values.get("profile", "quick")),
        oracle=oracle,
        method_files=files.used(),
        own=own,
    )


def with_files_as_now(table: Table, rows: Iterable[Row]) -> Table:
    """Return the table with the files of the methods of these rows read and run as they are now.

    Raises InputError where one is gone, cannot be run, or calls its method otherwise.
    """
    methods = {row.method for row in rows}
    now = (file_as_now(kept) if kept.name in methods else kept for kept in table.method_files)
    return replace(table, method_files=tuple(file for file in now if file is not None))


class _Files:
    """The methods in files that a table names, or keeps."""

    def __init__(self, folder: Path, where: str, kept: list[Any]) -> None:
        """`kept`: what the table keeps of such methods."""
        self._folder = folder
        self._of_spec: dict[str, MethodFile] = {}
        self._by_name: dict[str, MethodFile] = {}
        for number, entry in enumerate(kept, start=1):
            file = build(MethodFile, entry, f"{where}, method file {number}")
            if not Path(file.path).is_absolute():
                raise InputError(f"{where}, method file {number}: {file.path} is no whole path")
            remember_file(file)
            self._by_name[file.name] = file

    def name_of(self, here: str, method: str) -> str:
        """Return the name of a row's method, which may be in a file."""
        if not is_file_spec(method):
            return method
        if method not in self._of_spec:
            try:
                self._of_spec[method] = file = register_method(method, self._folder)
            except InputError as error:
                raise InputError(f"{here}: {error}") from error
            other = self._by_name.setdefault(file.name, file)
            if other != file:
                raise InputError(
                    f"{here}: {file.spec} is called {file.name!r}, as {other.spec} is; give one of "
                    "them another name"
                )
        return self._of_spec[method].name

    def is_in_file(self, name: str) -> bool:
        """Say whether a method is in a file."""
        return name in self._by_name

    def used(self) -> tuple[MethodFile, ...]:
        """Return them by name."""
        return tuple(self._by_name[name] for name in sorted(self._by_name))


def _datasets(
    where: str, folder: Path, entries: list[Any]
) -> tuple[list[CellSets], tuple[Card, ...]]:
    """Return the data sets and transfers, and the cards of users' own sets among them, which are
    named by the paths of their definitions, relative to the table's file.
    """
    pairs = [pair for entry in entries for pair in _trained_and_tested(where, entry)]
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    files = {
        name: own_set(os.path.normpath(folder / user_path(name)))
        for name in names
        if is_definition(name)
    }
    own = tuple(files.values())
    by_id = {**CARDS, **{chosen.id: chosen for chosen in own}}
    ids = {name: files[name].id if name in files else name for name in names}
    _check_names(where, "datasets", list(ids.values()), list(by_id))
    try:
        chosen = [cell_sets(*(by_id[ids[name]] for name in pair)) for pair in pairs]
    except InputError as error:
        raise InputError(f"{where}: datasets: {error}") from error
    _check_unique(where, "datasets", [sets.id for sets in chosen])
    return chosen, own


def _trained_and_tested(where: str, entry: Any) -> list[tuple[str, str]]:
    """Return what names the sets to train on and to test on, of one entry of `datasets`.

    It is a name, or a table with the entries train and test; of lists there, each with each.
    """
    here = f"{where}: datasets"
    if isinstance(entry, str):
        return [split_name(entry)]
    if not isinstance(entry, Mapping):
        raise InputError(
            f"{here}: {entry!r} must be a name, or a table such as "
            '{ train = "mlr-market", test = "mlr-cuhk03" }'
        )
    hint = tuple[str, ...] | str
    values = checked(here, entry, {"train": hint, "test": hint}, ("train", "test"))
    for name, value in values.items():
        if not value:
            raise InputError(f"{here}: {name} is empty; name a data set")
    train, test = ([v] if isinstance(v := values[n], str) else v for n in ("train", "test"))
    return [(one_set, other) for other in test for one_set in train]


def _oracle(where: str, content: Any, files: _Files) -> Row:
    """Return a row that names a protocol, the same on twins, and was never published."""
    here = f"{where}, oracle"
    hints = hints_of(Row)
    del hints["published"], hints["twin_protocol"]
    return _row(here, checked(here, content, hints, ("label", "method", "protocol")), files)


def _row(here: str, content: Any, files: _Files) -> Row:
    if isinstance(content, Mapping) and isinstance(content.get("post_processing"), Mapping):
        post_processing_from(content["post_processing"], f"{here}: post_processing")
    row = build(Row, content, here)
    row = replace(row, method=files.name_of(here, row.method))
    if not is_method(row.method):
        raise unknown("method", row.method, method_names(), here)
    if files.is_in_file(row.method):
        try:
            check_names(row.method, declaration(row.method).Options, row.options)
        except InputError as error:
            raise InputError(f"{here}: {error}") from error
    if row.twin_protocol and not row.protocol:
        raise InputError(f"{here}: twin_protocol stands for a protocol, which is missing")
    texts = {"label": row.label, "latex": row.latex, "published": row.published}
    plain: dict[str, Any] = {
        name: plain_text(f"{here}: {name}", text, LONGEST_LABEL)
        for name, text in texts.items()
        if text is not None
    }
    return replace(row, **plain)


def unmarked(label: str) -> str:
    """Return the label of a row as its file has it."""
    return label.removesuffix(MARK).rstrip()


def _profile(where: str, name: str) -> str:
    if name not in profile_names():
        raise unknown("profile", name, profile_names(), where)
    return name


def _check_protocols(where: str, datasets: list[Card], protocols: list[Any]) -> None:
    for protocol in protocols:
        if not isinstance(protocol, str):
            raise InputError(f"{where}: protocol {protocol!r} must be a name with its options")
        for dataset in datasets:
            try:
                canonical_text(dataset, protocol)
            except InputError as error:
                raise InputError(f"{where}: {error}") from error


def _check_names(where: str, entry: str, names: list[Any], choices: list[str]) -> None:
    if not names:
        raise InputError(f"{where}: {entry} is empty; choose among {', '.join(choices)}")
    for name in names:
        if name not in choices:
            raise unknown(entry, name, choices, where)
    _check_unique(where, entry, names)


def _check_unique(where: str, entry: str, values: list[Any]) -> None:
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise InputError(f"{where}: {entry} {twice[0]!r} stands twice; remove one")
    if not values:
        raise InputError(f"{where}: there is no {entry}; a table needs at least one")


# --- published numbers ----------------------------------------------------------------------------


def _published(table: Path, content: Any, rows: Sequence[Row]) -> tuple[Published, ...]:
    """Return the numbers of a CSV beside the table, or of its own [[published]] entries."""
    where = f"table {table}, published number"
    if isinstance(content, str):
        file = table.parent / user_path(content)
        lines = read_csv(file, "list of published numbers", COLUMNS)
        entries = [(f"{file}, line {number}", {**line}) for number, line in lines]
    elif isinstance(content, list):
        entries = [(f"{where} {number}", entry) for number, entry in enumerate(content, start=1)]
    else:
        raise InputError(
            f"table {table}: published must be the name of a CSV file, not {content!r}"
        )
    numbers: dict[tuple[str, str, str], Published] = {}
    for here, entry in entries:
        number = _published_number(here, entry, rows)
        cell = (number.row, number.dataset, number.metric)
        if cell in numbers:
            raise InputError(f"{here}: {', '.join(cell)} stands twice; remove one")
        numbers[cell] = number
    return tuple(numbers.values())


def _published_number(where: str, entry: Any, rows: Sequence[Row]) -> Published:
    hints = dict.fromkeys(COLUMNS, str) | {"value": str | float}
    values = checked(where, entry, hints, COLUMNS)
    value = values.pop("value")
    number = plain_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 100:
        raise InputError(
            f"{where}: value {value!r} must be a plain number of per cent, such as 29.9"
        )
    texts = {name: plain_text(f"{where}: {name}", text, LONGEST) for name, text in values.items()}
    printed = {row.published: row.published for row in rows if row.published}
    return Published(
        _full_name(where, "row", texts["row"], printed),
        _full_name(where, "dataset", texts["dataset"], _DATASETS),
        _full_name(where, "metric", texts["metric"], {name: name for name in NAMES}),
        float(number),
        texts["source"],
    )


def _full_name(where: str, entry: str, name: str, names: Mapping[str, str]) -> str:
    """Return what `name` stands for. Raises InputError for one that stands for nothing."""
    if name not in names:
        listed = ", ".join(dict.fromkeys(names.values())) or "none: no row has an entry published"
        raise InputError(
            f"{where}: unknown {entry} {name!r}{did_you_mean(name, names)}; known are {listed}"
        )
    return names[name]
