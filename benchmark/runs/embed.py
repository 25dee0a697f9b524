"""Embedding images with a trained method: those of any folder, or the test split of a manifest.

A worker does it, which starts with the kernels that the method was trained with: the features of a
manifest are to the last bit those of the cell.
"""

import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.config.profiles import load_profile
from crossres.benchmark.measures.kernels import Kernels, kernel_variables, kernels_named
from crossres.benchmark.metrics.own_images import UNKNOWN_CAMERA
from crossres.benchmark.records.record import Record
from crossres.benchmark.runs.cell import CellError, check_embeddings, embedded, make_deterministic
from crossres.benchmark.runs.data import Progress
from crossres.benchmark.runs.engine import (
    Event,
    Failed,
    Finished,
    Progressed,
    Task,
    Warned,
    each_of,
)
from crossres.benchmark.runs.local_engine import local
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.progress import progress as shown_progress
from crossres.datasets.base.words import counted
from crossres.datasets.cards import CARDS, Card
from crossres.datasets.own.sides import Sides
from crossres.datasets.pixels.image_folder import find_images, image_chunks
from crossres.datasets.pixels.store import PixelStore, open_store
from crossres.datasets.protocols import build_manifest
from crossres.datasets.raw.source import Raw, Source, open_admitted
from crossres.datasets.raw.source_name import is_twin, source_words
from crossres.datasets.readers.own import ids_of
from crossres.datasets.splits.manifest import Manifest
from crossres.methods.interface.method import Method, read_description
from crossres.methods.interface.method_files import MethodSources
from crossres.methods.interface.registry import register_sources
from crossres.methods.interface.run import Run
from crossres.methods.interface.saved import load_method

Arrays = dict[str, NDArray[Any]]

FOUR_PARTS = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFolder:
    """Every image in a folder and below it; `rate` is told to a method that needs it."""

    folder: Path
    rate: int | None = None


@dataclass(frozen=True)
class SidedImages:
    """Queries and gallery among the crops of a folder, as they are; `rate` as of ImageFolder.

    A rate that names tell is told, too.
    """

    sides: Sides
    rate: int | None = None


@dataclass(frozen=True)
class SplitImages:
    """The queries and gallery of a manifest file, whose images are those of `source`.

    `own` is the card of a user's own data set (None: one of ours).
    """

    manifest: Path
    source: Source
    cache: Path
    own: Card | None = None


@dataclass(frozen=True)
class CellImages:
    """The queries and gallery of a cell: `root` holds the raw folder where it is no twin.

    `own` is the card of a user's own data set (None: one of ours).
    """

    record: Record
    root: Path | None
    cache: Path
    own: Card | None = None


@dataclass(frozen=True)
class FrozenModel:
    """A network that others trained, by name, with a folder of its weights for machines offline.

    Images come to it as profile `frozen` has them, or as a network that was released for
    re-identification was trained on them, whose file in that folder is `weights_file`. parts:
    horizontal ones of its last map; None: four, or what the authors of a released one compare.
    """

    name: str
    weights_dir: Path | None = None
    parts: int | None = None
    weights_file: str | None = None


@dataclass(frozen=True)
class EmbedRequest:
    """The folder of a trained method or a frozen model, its device, and what to embed.

    Safe to pickle. `sources` are those of the method, where it is in a file.
    """

    weights: Path | FrozenModel
    device: str
    images: ImageFolder | SidedImages | SplitImages | CellImages
    sources: MethodSources | None = None


@dataclass(frozen=True)
class Features:
    """What a method made of images: arrays by name, facts for scripts and notes for people."""

    method: str
    arrays: Arrays
    facts: Mapping[str, str | int]
    notes: tuple[str, ...]


def features_of(request: EmbedRequest, kernels: Kernels | None) -> Features:
    """Have a worker embed what is requested, and show how far it is.

    `kernels` None: those that the method was trained with. Raises InputError where the request
    cannot be met.
    """
    features: Features = in_worker(embed, request, request.weights, kernels)
    return features


def in_worker(
    function: Callable[[Any, Progress], Any],
    request: Any,
    weights: Path | FrozenModel,
    kernels: Kernels | None,
) -> Any:
    """Call function(request, progress) in a worker with the kernels of these weights.

    Shows how far it is. Raises InputError where it fails.
    """
    variables = kernel_variables(kernels or kernels_named(_origin(weights).get("kernels")))
    value: Any = None
    with closing(local(each_of([Task("embed", function, request, variables)]), 1)) as events:
        for phase, steps in groupby(events, _phase):
            with shown_progress(phase) as report:
                for event in steps:
                    match event:
                        case Progressed():
                            report(event.done, event.total)
                        case Warned():
                            _log.warning(event.text)
                        case Failed():
                            raise InputError(event.reason)
                        case Finished():
                            value = event.value
    return value


def method_of(
    weights: Path | FrozenModel, device: str, sources: MethodSources | None = None
) -> Method:
    """Return the method that is trained, or that needs no training. InputError as load_method."""
    if not isinstance(weights, FrozenModel):
        if sources is not None:
            register_sources(read_description(weights)["method"], sources)
        return load_method(weights, device)
    # Its network may need an extra.
    from crossres.methods.frozen import ready
    from crossres.methods.shared.networks.released import is_released, released_size

    profile = replace(load_profile("frozen", weights.weights_dir), device=device)
    options: dict[str, Any] = {"parts": weights.parts or FOUR_PARTS}
    if is_released(weights.name):
        height, width = released_size(weights.name)
        profile = replace(profile, height=height, width=width)
        if weights.parts is None:
            options = {"pool": "own"}
    return ready(profile, model=weights.name, weights_file=weights.weights_file, **options)


def _origin(weights: Path | FrozenModel) -> Mapping[str, Any]:
    """Return what a trained method was trained on and with; of a frozen model nothing is known."""
    if isinstance(weights, FrozenModel):
        return {}
    origin: Mapping[str, Any] = read_description(weights)["origin"]
    return origin


def _phase(event: Event) -> str:
    return event.phase if isinstance(event, Progressed) else "embedding"


def embed(request: EmbedRequest, progress: Progress) -> Features:
    """Embed what is requested in this process, with its kernels.

    Raises InputError for weights, images, a manifest or a raw folder that cannot be used, and for
    embeddings without a value.
    """
    method = method_of(request.weights, request.device, request.sources)
    if isinstance(request.images, ImageFolder):
        features = _features_of_folder(method, request.images, progress)
    elif isinstance(request.images, SidedImages):
        features = _features_of_sides(method, request.images, progress)
    else:
        origin = _origin(request.weights)
        split = request.images
        manifest, raw = _of_cell(split) if isinstance(split, CellImages) else _of_file(split)
        features = _features_of_split(method, manifest, raw, split.cache, origin, progress)
    if not method.has_own_distance():
        return features
    own_distance = (
        f"{method.name} compares embeddings by a distance of its own (Method.distances); "
        "`crossres evaluate` measures another one"
    )
    return replace(features, notes=(*features.notes, own_distance))


def _features_of_folder(method: Method, images: ImageFolder, progress: Progress) -> Features:
    _check_rate(method, images.rate)
    arrays, left_out = embed_images(method, images.folder, images.rate, progress)
    facts = {"images": len(arrays["paths"]), "width": arrays["features"].shape[1]}
    note = f"left out: {left_out} files in {images.folder} that are not named .jpg, .png or .bmp"
    return Features(method.name, arrays, facts, (note,) if left_out else ())


def _check_rate(method: Method, rate: int | None) -> None:
    if rate is not None and not method.needs_rate:
        raise InputError(f"method {method.name} makes no use of rates; leave out --rate")


def _features_of_sides(method: Method, images: SidedImages, progress: Progress) -> Features:
    """Embed each image once, whether it is a query, of the gallery, or both."""
    _check_rate(method, images.rate)
    sides = images.sides
    entries = {entry.path: entry for entry in (*sides.queries, *sides.gallery)}
    paths = sorted(entries)
    rates = None
    if images.rate is not None or any(entry.rate for entry in entries.values()):
        rates = np.array([int(entries[path].rate or images.rate or 0) for path in paths])
    given_rates = rates if method.needs_rate else None
    features = embed_images(method, sides.folder, given_rates, progress, paths)[0]["features"]
    pids = ids_of([entry.pid for entry in entries.values()])
    camids = ids_of([entry.camera for entry in entries.values() if entry.camera])
    rows = {path: row for row, path in enumerate(paths)}
    arrays: Arrays = {}
    for side, of_side in (("query", sides.queries), ("gallery", sides.gallery)):
        arrays[f"{side}_features"] = features[[rows[entry.path] for entry in of_side]]
        arrays[f"{side}_pids"] = np.array([pids[entry.pid] for entry in of_side])
        cameras = [camids.get(entry.camera, UNKNOWN_CAMERA) for entry in of_side]
        arrays[f"{side}_camids"] = np.array(cameras)
        arrays[f"{side}_paths"] = np.array([entry.path for entry in of_side])
    if rates is not None:
        arrays["query_rates"] = rates[[rows[entry.path] for entry in sides.queries]]
    facts: dict[str, str | int] = {
        "images": len(paths),
        "width": features.shape[1],
        "queries": len(sides.queries),
        "gallery_images": len(sides.gallery),
        "identities": len(pids),
        "cameras": len(camids),
    }
    return Features(method.name, arrays, facts, tuple(_notes_of(sides)))


def _notes_of(sides: Sides) -> Iterator[str]:
    if sides.is_all_by_all:
        yield "no query is named: every image is searched for among all others"
    if sides.train:
        yield f"left out: {counted(sides.train, 'image')} of split train"


def _card(split: SplitImages, manifest: Manifest) -> Card:
    """Return the card of a manifest's data set; InputError where another, or none, is given."""
    chosen = split.own or CARDS.get(manifest.dataset)
    if chosen is None:
        raise InputError(
            f"{split.manifest}: of {manifest.dataset}, which is no data set of crossres; if it is "
            "your own, give its definition: --data FILE.toml"
        )
    if chosen.id != manifest.dataset:
        raise InputError(
            f"{split.manifest}: a split of {manifest.dataset}, not of {chosen.id}; give the "
            "definition of that set"
        )
    return chosen


def _of_file(split: SplitImages) -> tuple[Manifest, Raw]:
    manifest = Manifest.read(split.manifest)
    return manifest, open_admitted(_card(split, manifest), split.source, split.cache)


def _of_cell(split: CellImages) -> tuple[Manifest, Raw]:
    """Build the split of a cell anew. InputError where the data gives another one by now."""
    cell, folder = split.record.cell, split.root
    tested_source = cell.sources[cell.tested]
    if is_twin(tested_source):
        size = tested_source.split(":")[1]
        source = Source(size=size, seed=cell.drawn_with)
    elif split.own is not None:
        source = Source()
    elif folder is None:
        raise InputError(
            f"the cell is of {source_words(tested_source)}: say with --data where {cell.tested} is"
        )
    else:
        source = Source(folder, partial=True, other_sizes=True)
    raw = open_admitted(split.own or cell.tested, source, split.cache)
    manifest = build_manifest(raw, cell.protocol, cell.drawn_with)
    if manifest.digest != split.record.digests["manifest"]:
        raise InputError(
            f"{raw.folder}: gives another split of {cell.tested} than the cell was tested on; "
            "give the data of the run, or the manifest of this one with --manifest"
        )
    return manifest, raw


def _features_of_split(
    method: Method,
    manifest: Manifest,
    raw: Raw,
    cache: Path,
    origin: Mapping[str, Any],
    progress: Progress,
) -> Features:
    profile = method.profile

    def report(done: int, total: int) -> None:
        progress(f"pixels of the images of {manifest.dataset}", done, total)

    store = open_store(raw, manifest, profile.height, profile.width, cache, report)
    arrays = embed_split(method, manifest, store, progress)
    facts = {
        "images": len(arrays["query_pids"]) + len(arrays["gallery_pids"]),
        "width": arrays["query_features"].shape[1],
        "manifest": manifest.digest,
        "source": raw.source,
    }
    differs = [f"partial data: {words}" for words in (*raw.other_counts, *raw.other_sizes)]
    return Features(method.name, arrays, facts, (*differs, *_leaks(origin, manifest)))


def _leaks(origin: Mapping[str, Any], manifest: Manifest) -> list[str]:
    """Return a note when the method may have been trained on the identities it is tested on."""
    if origin.get("dataset") != manifest.dataset or origin.get("manifest") == manifest.digest:
        return []
    return [
        f"the weights were trained on another split of {manifest.dataset} "
        f"({origin.get('protocol')}, seed {origin.get('seed')}): they may know its test identities"
    ]


def embed_images(
    method: Method,
    folder: Path,
    rate: int | NDArray[np.int64] | None,
    progress: Progress,
    only: Sequence[str] | None = None,
) -> tuple[Arrays, int]:
    """Return features (N, D) float32 and paths (N,) of a folder; and how many other files.

    `only`: of these files in it, in their order. `rate`, of all or (N,) of each, is told to a
    method that needs it; None: the method is asked without one. Raises InputError for images that
    cannot be read, and embeddings without a value.
    """
    paths, skipped = find_images(folder) if only is None else (list(only), 0)
    rates = None if rate is None else np.broadcast_to(np.asarray(rate), len(paths))
    features: list[NDArray[np.float32]] = []
    make_deterministic(Run(seed=0))
    phase = f"embedding images of {folder}"
    progress(phase, 0, len(paths))
    size = method.profile.height, method.profile.width
    with closing(image_chunks(folder, paths, *size)) as chunks:
        done = 0
        for images in chunks:
            some = slice(done, done := done + len(images))
            features.append(_embedded(method, images, None if rates is None else rates[some]))
            progress(phase, done, len(paths))
    return {"features": np.concatenate(features), "paths": np.array(paths)}, skipped


def _embedded(
    method: Method, images: NDArray[np.uint8], rates: NDArray[np.int64] | None
) -> NDArray[np.float32]:
    features = method.embed(images) if rates is None else method.embed_rated(images, rates)
    try:
        check_embeddings(method, features, len(images), "image")
    except CellError as error:
        raise InputError(str(error)) from error
    return features


def embed_split(
    method: Method, manifest: Manifest, store: PixelStore, progress: Progress
) -> Arrays:
    """Return what `evaluate` reads of queries and gallery: features, pids, camids, paths, rates.

    Raises InputError for a manifest without queries or gallery, and embeddings without a value.
    """
    empty = [split for split in ("query", "gallery") if manifest.rows(split).empty]
    if empty:
        raise InputError(f"the manifest has no {empty[0]} image; give one of a split with a test")
    make_deterministic(Run(seed=0))

    def report(_: str, done: int, total: int) -> None:
        progress(f"embedding splits of {manifest.dataset}", done, total)

    try:
        features = embedded(method, manifest, store, report)
    except CellError as error:
        raise InputError(str(error)) from error
    arrays: Arrays = {}
    for split, array in zip(("query", "gallery"), features, strict=True):
        rows = manifest.rows(split)
        arrays[f"{split}_features"] = array
        arrays[f"{split}_pids"] = rows["pid"].to_numpy()
        arrays[f"{split}_camids"] = rows["camid"].to_numpy()
        arrays[f"{split}_paths"] = rows["path"].to_numpy(dtype=str)
    arrays["query_rates"] = manifest.rows("query")["rate"].to_numpy()
    return arrays


def write_features(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an .npz of plain arrays, whole or not at all; the same arrays give the same bytes."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    write_atomically(path, stream.getvalue())
