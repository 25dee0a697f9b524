"""Cells: one training and test of one method on one data set with one seed, and the key of that.

The key hashes everything that decides the result except the code, which the record carries apart.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from crossres.benchmark.config.profiles import profile_content
from crossres.benchmark.config.transfers import set_ids, transfer_id
from crossres.datasets.base.files import digest_of
from crossres.datasets.cards import Card, card
from crossres.datasets.raw.source import Source
from crossres.datasets.raw.source_name import more_cautious
from crossres.methods.interface.profile import Profile

KEY_LENGTH = 20


@dataclass(frozen=True)
class TrainedOn:
    """The data that a transfer is trained on: what a cell of that set would be trained on.

    `source` is that of this set alone, `manifest` the digest of its split.
    """

    dataset: str
    protocol: str
    source: str
    manifest: str


@dataclass(frozen=True)
class Cell:
    """What is run: a method with all its options resolved, the data, the seed, the profile's name.

    `source` is "real", "partial", "custom" or "twin:<size>:<version>" (Raw.source). `data_seed` is
    that of the split and, for a twin, of who is drawn; None: the same as `seed`, that of the
    training.
    `post_processing` is what is done at test time beyond one embedding of each image
    (PostProcessing.content); None: nothing.
    `dataset` is an id or, of a transfer, TRAIN:TEST. Then `protocol` is that of the test,
    `trained_on` the data of the training, also as JSON values (None: no transfer), and `source` the
    more cautious one of both sets; `tested_source` is that of the tested set where it is another
    (None: the same).
    """

    method: str
    options: Mapping[str, Any]
    dataset: str
    protocol: str
    source: str
    seed: int
    profile: str
    data_seed: int | None = None
    post_processing: Mapping[str, Any] | None = None
    trained_on: TrainedOn | None = None
    tested_source: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.trained_on, Mapping):
            object.__setattr__(self, "trained_on", TrainedOn(**self.trained_on))

    @property
    def tested(self) -> str:
        """The id of the set that is tested."""
        return set_ids(self.dataset)[1]

    @property
    def trained(self) -> str:
        """The id of the set that is trained on."""
        return set_ids(self.dataset)[0]

    @property
    def sources(self) -> dict[str, str]:
        """The source of each of its sets by id, the tested one first."""
        of_tested = {self.tested: self.tested_source or self.source}
        trained = self.trained_on
        return of_tested if trained is None else of_tested | {trained.dataset: trained.source}

    @property
    def drawn_with(self) -> int:
        """The seed of the split, and of who is drawn on a twin."""
        return self.seed if self.data_seed is None else self.data_seed

    @property
    def way(self) -> bytes:
        """Method, options and post-processing as JSON: equal where cells differ in data only."""
        return canonical_json([self.method, self.options, self.post_processing])

    def content(self) -> dict[str, Any]:
        """Return the cell as JSON values, without what is None: keys of older cells stay."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.trained_on is not None:
            values["trained_on"] = asdict(self.trained_on)
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Job:
    """A cell with all that a worker needs to run it anywhere; small, and safe to pickle.

    `labels` are the table rows that the cell stands for; `cache` is the worker's cache folder.
    `own` is the card of a user's own data set (None: the cell is on one of ours). `training` is the
    job of the set that a transfer is trained on, with the same training (None: no transfer).
    """

    key: str
    cell: Cell
    labels: tuple[str, ...]
    profile: Profile
    source: Source
    cache: Path
    manifest_digest: str
    own: Card | None = None
    training: "Job | None" = None

    @property
    def card(self) -> Card:
        """The card of the data set that is tested."""
        return self.own or card(self.cell.tested)

    @property
    def sets(self) -> "tuple[Job, ...]":
        """The jobs whose data it takes: itself and, of a transfer, that of its training."""
        return (self,) if self.training is None else (self, self.training)

    @property
    def readers(self) -> tuple[str, ...]:
        """The names of the readers of its raw folders."""
        return tuple(sorted({job.card.reader for job in self.sets}))

    @property
    def where(self) -> str:
        """The cell's data set or transfer, and its protocol where that is not the default one."""
        return self._under_protocol(self.cell.dataset)

    @property
    def tested(self) -> str:
        """The data set that is tested, and its protocol likewise."""
        return self._under_protocol(self.cell.tested)

    def _under_protocol(self, dataset: str) -> str:
        protocol = self.cell.protocol
        return dataset if protocol == self.card.protocol else f"{dataset} · {protocol}"


def key_of(cell: Cell, profile: Mapping[str, Any], manifest_digest: str) -> str:
    """Hash cell, profile content and manifest digest: the first 20 hex digits of the SHA-256."""
    content = {"cell": cell.content(), "profile": profile, "manifest": manifest_digest}
    return digest_of(canonical_json(content))[:KEY_LENGTH]


def canonical_json(content: Any) -> bytes:
    """Return JSON with sorted keys and no spaces. Raises ValueError for NaN and infinity."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def make_job(
    cell: Cell,
    label: str,
    profile: Profile,
    source: Source,
    cache: Path,
    manifest_digest: str,
    own: Card | None = None,
) -> Job:
    """Return the job of `cell`, with its key."""
    key = key_of(cell, profile_content(profile, cell.method), manifest_digest)
    return Job(key, cell, (label,), profile, source, cache, manifest_digest, own)


def make_transfer(job: Job, training: Job) -> Job:
    """Return the job that is trained as `training` is, and tested as `job` is; with its key.

    Both are of one row, one profile and the same seeds, on different data sets.
    """
    cell, trained = job.cell, training.cell
    source = more_cautious(cell.source, trained.source)
    transfer = replace(
        cell,
        dataset=transfer_id(trained.dataset, cell.dataset),
        source=source,
        trained_on=TrainedOn(
            trained.dataset, trained.protocol, trained.source, training.manifest_digest
        ),
        tested_source=None if source == cell.source else cell.source,
    )
    key = key_of(transfer, profile_content(job.profile, cell.method), job.manifest_digest)
    return replace(job, key=key, cell=transfer, training=training)


def merge_equal(jobs: Iterable[Job]) -> list[Job]:
    """Merge jobs of one key into one with the labels of all, in order of first appearance."""
    merged: dict[str, Job] = {}
    for job in jobs:
        if job.key in merged:
            labels = dict.fromkeys((*merged[job.key].labels, *job.labels))
            job = replace(job, labels=tuple(labels))
        merged[job.key] = job
    return list(merged.values())
