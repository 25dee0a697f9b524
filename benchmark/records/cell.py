"""Cells: one training and test of one method on one data set with one seed, and the key of that.

The key hashes everything that decides the result except the code, which the record carries apart.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from crossres.benchmark.config.profiles import profile_content
from crossres.datasets.base.files import digest_of
from crossres.datasets.cards import Card, card
from crossres.datasets.raw.source import Source
from crossres.methods.interface.profile import Profile

KEY_LENGTH = 20


@dataclass(frozen=True)
class Cell:
    """What is run: a method with all its options resolved, the data, the seed, the profile's name.

    `source` is "real", "partial", "custom" or "twin:<size>:<version>" (Raw.source). `data_seed` is
    that of the split and, for a twin, of who is drawn; None: the same as `seed`, that of the
    training.
    `post_processing` is what is done at test time beyond one embedding of each image
    (PostProcessing.content); None: nothing.
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
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Job:
    """A cell with all that a worker needs to run it anywhere; small, and safe to pickle.

    `labels` are the table rows that the cell stands for; `cache` is the worker's cache folder.
    `own` is the card of a user's own data set (None: the cell is on one of ours).
    """

    key: str
    cell: Cell
    labels: tuple[str, ...]
    profile: Profile
    source: Source
    cache: Path
    manifest_digest: str
    own: Card | None = None

    @property
    def card(self) -> Card:
        """The card of the cell's data set."""
        return self.own or card(self.cell.dataset)

    @property
    def where(self) -> str:
        """The cell's data set, and its protocol where that is not the default one."""
        cell = self.cell
        usual = cell.protocol == self.card.protocol
        return cell.dataset if usual else f"{cell.dataset} · {cell.protocol}"


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


def merge_equal(jobs: Iterable[Job]) -> list[Job]:
    """Merge jobs of one key into one with the labels of all, in order of first appearance."""
    merged: dict[str, Job] = {}
    for job in jobs:
        if job.key in merged:
            labels = dict.fromkeys((*merged[job.key].labels, *job.labels))
            job = replace(job, labels=tuple(labels))
        merged[job.key] = job
    return list(merged.values())
