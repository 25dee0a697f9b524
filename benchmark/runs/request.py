"""What a run is asked for: a table on data, in part or whole, and where its results go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from crossres.benchmark.config.cell_sets import CellSets, cell_sets, split_name
from crossres.benchmark.config.profiles import load_profile
from crossres.benchmark.config.tables import Row, Table, load_table, select_rows
from crossres.benchmark.config.transfers import is_transfer, set_ids
from crossres.benchmark.measures.kernels import KERNELS, Kernels
from crossres.datasets.base.arguments import (
    as_a,
    as_count,
    as_flag,
    as_number,
    as_path,
    as_several,
    as_text,
    as_whole,
    if_given,
)
from crossres.datasets.base.bounds import checked_seeds
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.places import default_cache
from crossres.datasets.cards import Card, card
from crossres.datasets.own.definition import is_definition, named_set
from crossres.datasets.protocols.validation import on_validation
from crossres.datasets.raw.source import Source
from crossres.methods.interface.profile import Profile


@dataclass(frozen=True)
class RunRequest:
    """A table (its name, the path of its file, or itself), and what of it is run into `out`.

    datasets, seeds and rows (labels, published names, numbers from 1 or "oracle") default to the
    table's, its oracle included; a user's own data set is named by the path of its definition, or
    its card; TRAIN:TEST is a transfer, TRAIN: and :TEST are those of the table that are trained or
    tested on a set;
    `protocol`, one for all data sets with its options, to those of the table or its rows, else to
    the default of each data set; `source` to the twins of the profile's size; `jobs` to
    `default_jobs`; `cache` to $CROSSRES_CACHE or a folder in the user's own. `weights_dir` is a
    folder with ImageNet weights; with `save_weights` the trained method of each cell is kept.
    With `validation` every protocol has that option: no test identity is looked at.
    `kernels`: "portable" ones give the same bits on more kinds of CPU, "native" ones are faster.
    A cell leaves a checkpoint every `checkpoint_minutes` of its training (0: after each step).
    `data_seed` is that of the split and the twin for all cells (None: each cell's own seed).
    With `keys` only the cells of these keys are run of all that.
    Raises InputError for an argument of another kind and for an unknown name.
    """

    table: Table | str | Path
    out: Path | str
    source: Source | None = None
    profile: Profile | str | Path = "quick"
    datasets: Sequence[str | Path | Card | CellSets] | str | Path | Card | CellSets | None = None
    protocol: str | None = None
    rows: Sequence[str] | str | None = None
    seeds: Sequence[int] | int | None = None
    jobs: int | None = None
    cache: Path | str | None = None
    weights_dir: Path | str | None = None
    save_weights: bool = False
    kernels: Kernels = "portable"
    data_seed: int | None = None
    validation: bool = False
    checkpoint_minutes: float = 5.0
    keys: Sequence[str] | str | None = None

    def __post_init__(self) -> None:
        """Bring each argument into its one form."""
        self._set("out", as_path(self.out, "out"))
        self._set("cache", if_given(self.cache, "cache", as_path) or default_cache())
        self._set("source", if_given(self.source, "source", _source))
        self._set("jobs", if_given(self.jobs, "jobs", as_count))
        self._set("protocol", if_given(self.protocol, "protocol", as_text))
        self._set("save_weights", as_flag(self.save_weights, "save_weights"))
        self._set("validation", as_flag(self.validation, "validation"))
        minutes = as_number(self.checkpoint_minutes, "checkpoint_minutes")
        if minutes < 0.0:
            raise InputError(f"checkpoint_minutes must be at least 0, not {minutes:g}")
        if self.data_seed is not None:
            checked_seeds((as_whole(self.data_seed, "data_seed"),), "data_seed")
        if as_text(self.kernels, "kernels") not in KERNELS:
            raise InputError(f"kernels must be {' or '.join(KERNELS)}, not {self.kernels!r}")
        if self.rows is not None:
            self._set("rows", tuple(as_several(self.rows, "rows", _row_name)))
        if self.datasets is not None:
            self._set("datasets", tuple(as_several(self.datasets, "datasets", _dataset)))
        if self.keys is not None:
            self._set("keys", tuple(as_several(self.keys, "keys", as_text)))
        if not isinstance(self.table, Table):
            self._set("table", load_table(self.table))
        seeds = self.whole_table().seeds if self.seeds is None else self.seeds
        self._set("seeds", checked_seeds(tuple(as_several(seeds, "seeds", as_whole))))

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def whole_table(self) -> Table:
        """Return the table as it is in its file, whatever is run of it."""
        return as_a(Table, self.table, "table")

    def whole_profile(self) -> Profile:
        """Return the profile. Raises InputError where there is none of that name or path."""
        profile = self.profile
        return profile if isinstance(profile, Profile) else load_profile(profile, self.weights_dir)

    def chosen_rows(self) -> tuple[Row, ...]:
        """Return the rows that are run, the oracle last: never under a protocol of the request.

        Raises InputError naming one that the table lacks.
        """
        table = self.whole_table()
        rows = select_rows(table, None if self.rows is None else list(self.rows))
        if self.protocol and table.oracle in rows:
            if self.rows is not None:
                raise InputError(
                    f"the oracle of {table.id} has a protocol of its own; leave --protocol out"
                )
            return table.rows
        return rows

    def protocol_on(self, dataset: Card, protocol: str | None) -> str | None:
        """Return what is run on a data set for this protocol (None: its default), as asked for."""
        if not self.validation:
            return protocol
        return on_validation(dataset.protocol if protocol is None else protocol)

    def chosen_sets(self) -> list[CellSets]:
        """Return the data sets and transfers, each once.

        Raises InputError for an unknown one, and where two sets of a user's have the same id.
        """
        table = self.whole_table()
        asked = cast(Sequence[str | Card | CellSets], self.datasets)
        names = table.datasets if self.datasets is None else _named_in(table, asked)
        if not names:
            raise InputError("nothing to run: name at least one data set")
        chosen = dict.fromkeys(map(table.sets, names))
        ids = [card.id for card in dict.fromkeys(card for sets in chosen for card in sets.cards)]
        if len(set(ids)) != len(ids):
            raise InputError(f"two data sets have the id {_twice(ids)!r}; give one of them another")
        transfers = [sets.id for sets in chosen if sets.trained_on]
        if transfers and table.is_by_row:
            raise InputError(
                f"the rows of {table.id} have protocols of their own, which say what is trained "
                f"on; leave {transfers[0]} out"
            )
        return [*chosen]

    def sources_of(self, dataset: Card) -> dict[int, Source]:
        """Return where the data of a set comes from, by the seed of the data."""
        sources = self.sources()
        return sources if dataset.own is None else dict.fromkeys(sources, Source(dataset.folder))

    def sources(self) -> dict[int, Source]:
        """Return where the data comes from, by the seed of the data: for twins, one of each."""
        source = self.source or Source(size=self.whole_profile().twin_size)
        seeds = self.chosen_seeds() if self.data_seed is None else (self.data_seed,)
        if source.root is not None:
            return dict.fromkeys(seeds, source)
        return {seed: replace(source, seed=seed) for seed in seeds}

    def chosen_seeds(self) -> tuple[int, ...]:
        """Return the seeds, each once."""
        return cast(tuple[int, ...], self.seeds)


def _source(source: Source, name: str) -> Source:
    return as_a(Source, source, name)


def _dataset(dataset: object, name: str) -> str | Card | CellSets:
    """Return ids, and the names of transfers between them, as they are; else the cards."""
    if isinstance(dataset, CellSets):
        return dataset
    if isinstance(dataset, str):
        train, test = split_name(dataset)
        if train != dataset and any(map(is_definition, (train, test))):
            return cell_sets(*(card(named_set(part)) for part in (train, test)))
    named = named_set(dataset)
    return named if isinstance(named, Card) else as_text(named, name)


def _named_in(
    table: Table, names: Sequence[str | Card | CellSets]
) -> Sequence[str | Card | CellSets]:
    """Return the names, with the data sets and transfers of the table for TRAIN: and :TEST.

    Raises InputError where it has none.
    """
    chosen: list[str | Card | CellSets] = []
    for name in names:
        asked = set_ids(name) if isinstance(name, str) and is_transfer(name) else ()
        if not asked or all(asked):
            chosen.append(name)
            continue
        place, wanted = (1, asked[1]) if asked[1] else (0, asked[0])
        of_table = [dataset for dataset in table.datasets if set_ids(dataset)[place] == wanted]
        if not of_table:
            done = ("trained", "tested")[place]
            raise InputError(f"table {table.id} has nothing that is {done} on {wanted!r}")
        chosen += of_table
    return chosen


def _twice(names: Sequence[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


def _row_name(row: object, name: str) -> str:
    """Return the label of a row, or its number from 1 as text."""
    return row if isinstance(row, str) else str(as_count(row, name))
