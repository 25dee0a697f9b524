"""Running one cell: data, training, embeddings, measurements, digests -> record and artifact.

Runs in a worker process; everything random comes from the cell's seed, on one thread.
"""

import os
import random
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossres.benchmark.config.post_processing import PostProcessing, post_processing_from
from crossres.benchmark.config.profiles import profile_content
from crossres.benchmark.measures.embedding_map import embedding_map
from crossres.benchmark.measures.energy import EnergyMeter
from crossres.benchmark.measures.environment import Stopwatch, environment, peak_memory
from crossres.benchmark.measures.flops import flops_per_image
from crossres.benchmark.measures.learning_curves import Curves
from crossres.benchmark.measures.ranked_queries import ranked_queries
from crossres.benchmark.measures.restoration import chain_quality, restoration_of
from crossres.benchmark.measures.retrieved_samples import artifact_of
from crossres.benchmark.measures.thumbnails import thumbnails_of
from crossres.benchmark.metrics.by_rate import by_rate
from crossres.benchmark.metrics.comparisons import Comparison, DistanceComparison
from crossres.benchmark.metrics.equal_rows import EqualRows, self_matched, with_images
from crossres.benchmark.metrics.features import FeatureComparison
from crossres.benchmark.metrics.measure import Metrics, as_dict, measure
from crossres.benchmark.metrics.own_images import ImageIds
from crossres.benchmark.metrics.rules import GALLERY_RULES, Rules
from crossres.benchmark.records.cell import Job, TrainedOn
from crossres.benchmark.records.record import (
    DRAWS,
    INITIAL,
    START,
    TRAINING_PIXELS,
    Record,
    Standing,
    trained_on_note,
)
from crossres.benchmark.runs.cell_tasks import CellResult
from crossres.benchmark.runs.checkpoints import FIT, CellCheckpoints
from crossres.benchmark.runs.code_digest import Modules, cell_code, learn_modules
from crossres.benchmark.runs.data import Prepared, Progress, Report, build_pixels, open_data
from crossres.benchmark.runs.post_processed import (
    check_applicable,
    embeddings_per_image,
    fused_rows,
    post_processed,
)
from crossres.datasets.base.files import digest_of
from crossres.datasets.pixels.store import PixelStore
from crossres.datasets.raw.source import Raw
from crossres.datasets.splits.manifest import Manifest
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.method_files import MethodSources
from crossres.methods.interface.registry import method_class, register_sources, spec_of
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.networks.imagenet_weights import recorded_weights
from crossres.methods.shared.torch_tools import resolve_device as torch_device

RATES = (2, 3, 4)
ALIKE = 0.01  # of the length of an embedding
ALIKE_IN_BF16 = 0.05  # a number of bf16 has eight bits, and kernels may round it otherwise


class CellError(Exception):
    """A cell that cannot have a result; the text is the one-line reason."""


def prepare_cell(job: Job, progress: Progress, *, here: bool = True) -> Prepared:
    """Build the pixels of a job and say where its data lies.

    With `here`, where its cells run on this machine, check that the job's device is there, too.
    Raises InputError, so that what no cell could do without is refused before the first one.
    """
    if here:
        resolve_device(job.profile.device)
    return build_pixels(job, progress)


def run_cell(
    job: Job,
    progress: Report,
    *,
    keep_weights: bool = False,
    images_there: Collection[int] = (),
    resumed: Mapping[str, bytes] | None = None,
    checkpoint_seconds: float | None = None,
    modules: Modules | None = None,
    sources: MethodSources | None = None,
) -> CellResult:
    """Train and test the job's method on its data; the same job gives the same digests anywhere.

    With `keep_weights` the result holds the trained method, too; its record is the same.
    `images_there` are the thumbnails that are not wanted any more (`thumbnails_of`). With
    `checkpoint_seconds` a checkpoint goes to `progress` whenever so many have passed; `resumed` is
    one to go on from, which gives the same result, but for times and memory. `modules` is what the
    caller knows of them (code_digest), which saves finding it out again; `sources` are those of a
    method in a file, which is not read again.
    Raises InputError (data, options, weights, device) and CellError (embeddings without a value).
    """
    watch = Stopwatch()
    device = resolve_device(job.profile.device)
    meter = EnergyMeter(device)
    learn_modules(modules or {})
    if sources is not None:
        register_sources(job.cell.method, sources)
    how = post_processing_from(job.cell.post_processing or {}, f"cell {job.key}")
    check_applicable(method_class(job.cell.method), how)
    code = cell_code(job.cell.method, *job.readers)
    with watch.phase("prepare"):
        raw, manifest, store = tested = open_data(job, progress)
        trained_on = tested if job.training is None else open_data(job.training, progress)
        train = train_set(*trained_on[1:])
    curves = Curves(lambda done, total: progress("fit", done, total))
    seed, dataset = job.cell.seed, job.cell.trained
    run = Run(seed, device, curves.progress, curves.record_loss, curves.record_draws, dataset)
    with watch.phase(FIT), meter.phase(FIT), recorded_weights() as initial:
        pixels = trained_on[2].digest
        identity = {"key": job.key, "code": code, "pixels": pixels, **_machine(device)}
        kept = CellCheckpoints(
            job.key, identity, initial, curves, watch, progress, checkpoint_seconds
        )
        method = _fitted(job, train, replace(run, checkpoints=kept.of_run(resumed)))
    if resumed is not None:
        meter.forget(FIT)
    with watch.phase("embed"), meter.phase("embed"):
        embeddings = embedded(method, manifest, store, progress)
    with watch.phase("evaluate"):
        progress("evaluate", 0, 1)
        ids, rows = _image_ids(manifest), EqualRows.of(*embeddings)
        processed = None
        if job.cell.post_processing:
            processed = post_processed(method, embeddings, manifest, store, how)
            compared = processed.comparison
        else:
            compared = _comparison(method, *embeddings, rows)
        metrics = _measured(compared, ids)
        scores = {rule: measured.per_query for rule, measured in metrics.items()}
        shown = None if processed is None else processed.distances
        artifact = artifact_of(method, raw, manifest, store, embeddings, scores, shown)
    query_rates = manifest.rows("query")["rate"].to_numpy()
    begun = {START: method.start, DRAWS: curves.first_draws()}
    memory = peak_memory()  # before anything is measured that no test needs
    with watch.phase("measure"):
        counts = _counts(manifest, trained_on[1], method, embeddings, metrics)
        counts |= _flops(method, manifest, store, how)
        artifact |= curves.arrays() | restoration_of(method, raw, manifest, store)
        artifact |= chain_quality(raw, manifest, store, artifact)
        distances_of = fused_rows(method, [embeddings]) if processed is None else processed.rows
        artifact |= ranked_queries(manifest, distances_of)
        artifact |= embedding_map(method, manifest, embeddings)
        images = thumbnails_of(raw, manifest, store, artifact, images_there)
    record = Record(
        key=job.key,
        cell=job.cell,
        profile=profile_content(job.profile, job.cell.method),
        metrics={
            rule: as_dict(measured) | by_rate(measured.per_query, query_rates)
            for rule, measured in metrics.items()
        },
        cmc={rule: measured.cmc for rule, measured in metrics.items()},
        digests={
            "manifest": manifest.digest,
            "pixels": store.digest,
            "embeddings": _digest(*embeddings),
            "weights": method.parameters_digest(),
            "code": code,
            **{INITIAL + network: digest for network, digest in initial.items()},
            **{name: digest for name, digest in begun.items() if digest is not None},
            **({} if job.training is None else {TRAINING_PIXELS: pixels}),
        },
        counts=counts,
        seconds=watch.seconds(),
        peak_memory_bytes=memory,
        environment=environment(device),
        notes=(
            *manifest.notes,
            *(_training_notes(trained_on[1]) if job.training else ()),
            *_skipped_notes(metrics),
            *_equal_notes(ids, rows),
        ),
        first_losses=curves.first_losses(),
        standing=_standing(job, raw, trained_on[0]),
        energy=meter.energy(),
    )
    weights = method.saved(origin_of(record)) if keep_weights else {}
    return CellResult(record, artifact, images, weights)


def _training_notes(manifest: Manifest) -> list[str]:
    return [trained_on_note(manifest.dataset, note) for note in manifest.notes]


def _standing(job: Job, raw: Raw, trained_on: Raw) -> Standing:
    """Say beside what the numbers may stand, by the raw folders of test and training."""
    of_profile = job.profile.paper_size, job.profile.warning
    standing = Standing(raw.other_counts, raw.other_sizes, *of_profile)
    if job.training is None:
        return standing
    return replace(
        standing, trained_counts=trained_on.other_counts, trained_sizes=trained_on.other_sizes
    )


def _machine(device: str) -> dict[str, str | int]:
    """Return what of the environment may decide the last bits; the threads are always one."""
    return {k: value for k, value in environment(device).items() if k != "threads"}


def origin_of(record: Record) -> dict[str, Any]:
    """Return where the weights of a cell come from, as their method.json says it: of a transfer,
    from the set that it is trained on.
    """
    cell = record.cell
    trained = cell.trained_on or TrainedOn(
        cell.dataset, cell.protocol, cell.source, record.digests["manifest"]
    )
    return {
        "key": record.key,
        "dataset": trained.dataset,
        "protocol": trained.protocol,
        "source": trained.source,
        "seed": cell.seed,
        "manifest": trained.manifest,
        "code": record.digests["code"],
        "crossres": record.environment["crossres"],
        "kernels": record.environment.get("kernels"),
    }


def resolve_device(name: str) -> str:
    """Return the name of a device, with "auto" decided.

    Raises InputError for an unknown one and for a GPU that is not there.
    """
    return str(torch_device(name))


def train_set(manifest: Manifest, store: PixelStore) -> TrainSet:
    """Return the training split as methods see it: labels 0..C-1 in the order of the pids."""
    rows = manifest.rows("train")
    labels = np.unique(rows["pid"].to_numpy(), return_inverse=True)[1]
    rates = rows["rate"].to_numpy()
    return TrainSet(
        images=np.asarray(store.images("train")),
        labels=labels.astype(np.int64),
        camids=rows["camid"].to_numpy(),
        rates=rates,
        variants={rate: np.asarray(store.variants(rate)) for rate in RATES},
        hr=np.flatnonzero(rates == 1),
    )


def _fitted(job: Job, train: TrainSet, run: Run) -> Method:
    make_deterministic(run)
    method = method_class(job.cell.method)(job.profile, **job.cell.options)
    method.fit(train, run)
    return method


def make_deterministic(run: Run) -> None:
    """Set one thread, deterministic kernels, and seeds for whatever uses a global generator."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(run.seed_for("torch"))
    random.seed(run.seed_for("random"))
    np.random.seed(run.seed_for("numpy") % 2**32)  # noqa: NPY002 - guards methods that still use it


def embedded(
    method: Method, manifest: Manifest, store: PixelStore, progress: Progress
) -> tuple[Embeddings, Embeddings]:
    """Embed queries and gallery; only a method that says so is told their rates.

    Raises CellError where they are no embeddings, or one depends on the other images.
    """
    embeddings = []
    for index, split in enumerate(("query", "gallery")):
        progress("embed", index, 2)
        images = np.asarray(store.images(split))
        rates = manifest.rows(split)["rate"].to_numpy()
        array = method.embed_told(images, rates)
        check_embeddings(method, array, len(images), split)
        check_alone(method, method.embed_told(images[:1], rates[:1]), array[:1])
        embeddings.append(array)
    return embeddings[0], embeddings[1]


def check_alone(method: Method, alone: Embeddings, among_others: Embeddings) -> None:
    """Raise CellError unless an image has nearly the same embedding alone as among others.

    Else a query's result would depend on which others are asked: batch normalisation in training
    mode, say. What kernels for another size of batch change is far below ALIKE.
    """
    gap = float(np.linalg.norm(alone - among_others))
    bf16 = method.profile.computing.precision == "bf16"
    if not gap <= (ALIKE_IN_BF16 if bf16 else ALIKE) * float(np.linalg.norm(among_others)):
        raise CellError(
            f"method {method.name}: an image has another embedding alone than among others; "
            "put the network into evaluation mode (network.eval()) before it embeds"
        )


def check_embeddings(method: Method, array: Embeddings, count: int, split: str) -> None:
    """Raise CellError unless these are (count, D) float32 numbers, none NaN or infinite."""
    is_matrix = array.ndim == 2 and len(array) == count and array.shape[1] > 0
    if not is_matrix or array.dtype != np.float32:
        raise CellError(
            f"method {method.name}: embed must give ({count}, D) float32, D at least 1, "
            f"not {array.shape} {array.dtype}; see `crossres methods check {spec_of(method.name)}`"
        )
    bad = int((~np.isfinite(array).all(axis=1)).sum())
    if bad:
        raise CellError(
            f"method {method.name}: NaN or infinity in {bad} of {count} {split} "
            "embeddings; the training diverged, lower its learning rate"
        )


def _measured(comparison: Comparison, ids: ImageIds) -> dict[str, Metrics]:
    return {rule: measure(comparison, ids, Rules(gallery=rule)) for rule in GALLERY_RULES}


def _image_ids(manifest: Manifest) -> ImageIds:
    query, gallery = manifest.rows("query"), manifest.rows("gallery")
    columns = (rows[name].to_numpy() for name in ("pid", "camid") for rows in (query, gallery))
    return ImageIds(*columns)


def _comparison(
    method: Method, query: Embeddings, gallery: Embeddings, rows: EqualRows
) -> Comparison:
    """Compare by Euclidean distance, unless the method has a distance of its own.

    By that, too, equal gallery embeddings get equal distances to the last bit: a matrix product
    may sum equal columns in different orders.
    """
    if not method.has_own_distance():
        return FeatureComparison(query, gallery, "euclidean")
    first_of = rows.firsts[rows.gallery]

    def block(start: int, stop: int) -> NDArray[np.float64]:
        return method.distances(query[start:stop], gallery)[:, first_of]

    return DistanceComparison(block, len(gallery))


def _digest(*arrays: Embeddings) -> str:
    parts = [(str(a.shape).encode(), np.ascontiguousarray(a).tobytes()) for a in arrays]
    return digest_of(*(part for pair in parts for part in pair))


def _counts(
    manifest: Manifest,
    trained_on: Manifest,
    method: Method,
    embeddings: tuple[Embeddings, Embeddings],
    metrics: Mapping[str, Metrics],
) -> dict[str, int]:
    counts = {}
    for split in ("train", "query", "gallery"):
        rows = (trained_on if split == "train" else manifest).rows(split)
        counts[f"{split}_images"] = len(rows)
        counts[f"{split}_pids"] = int(rows["pid"].nunique())
    counts["parameters"] = method.parameter_count()
    counts["embedding_size"] = int(embeddings[0].shape[1])
    evaluated = metrics["multi-shot"]  # both rules rank the same images
    counts["ranked_pairs"], counts["true_pairs"] = evaluated.ranked_pairs, evaluated.true_pairs
    return counts


def _flops(
    method: Method, manifest: Manifest, store: PixelStore, how: PostProcessing
) -> dict[str, int]:
    """Return what flops.py counts, if anything: an embedding without any is not for free."""
    rates = manifest.rows("query")["rate"].to_numpy()
    images = np.asarray(store.images("query"))
    counted = flops_per_image(method, images, rates)
    if not counted:
        return {}
    return {"flops_per_image": counted * embeddings_per_image(method, images[:1], how)}


def _skipped_notes(metrics: dict[str, Metrics]) -> list[str]:
    skipped = max(measured.skipped_queries for measured in metrics.values())
    return [f"{skipped} queries without a true match are not counted"] if skipped else []


def _equal_notes(ids: ImageIds, rows: EqualRows) -> list[str]:
    """Say what embeddings that are equal to the bit do to the metrics."""
    count = int(self_matched(with_images(ids, rows), Rules()).sum())
    matched = f"{count} queries find an image of their pid with the very same embedding"
    return [*([matched] if count else []), *rows.faults(ids)]
