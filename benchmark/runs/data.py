"""Preparing data for cells: surveying a data set, and opening its manifest and pixels for one cell.

The driver prepares everything once before the cells start, so that no two cells build the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from crossres.benchmark.records.cell import Job
from crossres.datasets.base.errors import InputError
from crossres.datasets.cards import Card, card
from crossres.datasets.pixels.store import PixelStore, open_store
from crossres.datasets.protocols import build_manifest
from crossres.datasets.raw.source import Raw, Source, open_admitted
from crossres.datasets.readers import Names
from crossres.datasets.splits.manifest import Manifest

Progress = Callable[[str, int, int], None]
"""progress(phase, done, total): called by whatever runs in a worker."""


class Report(Protocol):
    """What a cell that runs in a worker tells the driver."""

    def __call__(self, phase: str, done: int, total: int, /) -> None:
        """Tell how far it is, as Progress."""

    def checkpoint(self, files: Mapping[str, bytes], /) -> None:
        """Hand over what another worker could go on from, by file name, in place of the last."""


Opener = Callable[[str | Card, Source, Path], Raw]
"""open_admitted, or the same for those who ask for one folder several times."""


@dataclass(frozen=True)
class SurveyRequest:
    """Which data set to look at, from where, under which protocol (None: its default).

    `own` is the card of a user's own data set (None: one of ours).
    """

    dataset: str
    source: Source
    cache: Path
    seeds: tuple[int, ...]
    protocol: str | None = None
    own: Card | None = None

    @property
    def card(self) -> Card:
        """The card of the data set."""
        return self.own or card(self.dataset)

    @property
    def title(self) -> str:
        """The data set, the protocol where it is not the default, and the data seed of a twin."""
        protocol = f" · {self.protocol}" if self.protocol else ""
        drawn = f" · data seed {self.source.seed}" if self.source.root is None else ""
        return self.dataset + protocol + drawn


@dataclass(frozen=True)
class Survey:
    """What the keys of a data set's cells need: source name, protocol, manifest digest by seed.

    `names` are those of a user's own set.
    """

    dataset: str
    source: str
    protocol: str
    manifests: Mapping[int, str]
    names: Names = field(default_factory=Names)


def survey(request: SurveyRequest, progress: Progress, opened: Opener = open_admitted) -> Survey:
    """Read the raw folder (drawing the twin when needed) and build the manifest of each seed."""
    progress("raw folder", 0, 1 + len(request.seeds))
    raw = opened(request.card, request.source, request.cache)
    digests, protocol = {}, ""
    for step, seed in enumerate(request.seeds, start=1):
        progress("manifests", step, 1 + len(request.seeds))
        manifest = build_manifest(raw, request.protocol, seed)
        digests[seed], protocol = manifest.digest, manifest.protocol
    return Survey(request.dataset, raw.source, protocol, digests, raw.names)


@dataclass(frozen=True)
class Prepared:
    """Where the data of a cell lies on this machine: its raw folder and its pixel store.

    `pixels` is the digest of the store.
    """

    raw: Path
    store: Path
    pixels: str


def build_pixels(job: Job, progress: Progress) -> Prepared:
    """Build the pixel store of the job's data unless it is there whole."""
    raw, _, store = _open(job, progress, checked=False)
    return Prepared(raw.folder, store.folder, store.digest)


def open_data(job: Job, progress: Progress) -> tuple[Raw, Manifest, PixelStore]:
    """Open raw folder, manifest and pixels of what is tested; of a training that is its own job.

    Raises InputError where data changed since the plan.

    The driver has compared the pixels with their digest (`build_pixels`) before the first cell:
    here that is done only when their file has been touched since.
    """
    return _open(job, progress, checked=True)


def _open(job: Job, progress: Progress, *, checked: bool) -> tuple[Raw, Manifest, PixelStore]:
    cell = job.cell
    raw = open_admitted(job.card, job.source, job.cache)
    manifest = build_manifest(raw, cell.protocol, cell.drawn_with)
    if (raw.source, manifest.digest) != (cell.sources[cell.tested], job.manifest_digest):
        raise InputError(
            f"{raw.folder}: the raw folder of {cell.tested} changed while the table was running; "
            "run again to plan with the data as it is now"
        )

    def report(done: int, total: int) -> None:
        progress("pixels", done, total)

    profile = job.profile
    store = open_store(
        raw, manifest, profile.height, profile.width, job.cache, report, checked=checked
    )
    return raw, manifest, store
