"""Post-processing a cell's test: views of each image, fused, expanded, re-ranked.

docs/test-time.md says what each step is. The method is the one of the cell without: nothing here
reaches its training.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.config.post_processing import PostProcessing
from crossres.benchmark.measures.ranked_queries import RowDistances
from crossres.benchmark.metrics.comparisons import Comparison, DistanceComparison, Distances, blocks
from crossres.benchmark.metrics.equal_rows import EqualRows
from crossres.benchmark.metrics.features import FeatureComparison
from crossres.benchmark.metrics.query_expansion import expanded_queries
from crossres.benchmark.metrics.reranking import Reranked
from crossres.datasets.base.errors import InputError
from crossres.datasets.pixels.store import PixelStore
from crossres.datasets.resampling.integer import resample
from crossres.datasets.splits.manifest import Manifest
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.training_data import Images

IMAGES = 512  # whose views are held at once
Ids = NDArray[np.int64]
Level = tuple[Embeddings, Embeddings]  # of all queries and of the gallery, in one version


@dataclass(frozen=True)
class PostProcessed:
    """What is compared after post-processing."""

    comparison: Comparison
    rows: RowDistances

    def distances(self, query_rows: Ids, gallery_rows: Ids) -> NDArray[np.float64]:
        """Return the distances (n, m) of some queries and gallery images."""
        return self.rows(query_rows)[:, gallery_rows]


def check_applicable(method: type[Method], how: PostProcessing) -> None:
    """Raise InputError where a method cannot be post-processed in this way."""
    if how.expansion and method.has_own_distance():
        raise InputError(
            f"method {method.name} has a distance of its own, and query expansion averages "
            "embeddings; leave expansion out of the row's post_processing"
        )
    if how.restorations and method.reconstructions is Method.reconstructions:
        raise InputError(
            f"method {method.name} rebuilds no images; leave restorations out of the row's "
            "post_processing"
        )


def post_processed(
    method: Method, embeddings: Level, manifest: Manifest, store: PixelStore, how: PostProcessing
) -> PostProcessed:
    """Compare queries and gallery as `how` says; `embeddings` are those of the images themselves.

    Views, then fusion, then query expansion, then re-ranking.
    """
    sides = []
    for split, plain in zip(("query", "gallery"), embeddings, strict=True):
        rates = manifest.rows(split)["rate"].to_numpy()
        sides.append(levels_of(method, store.images(split), rates, plain, how))
    levels = list(zip(*sides, strict=True))
    if how.expansion:
        query, gallery = levels[0]
        near = fused(method, [(query, gallery)])
        wider = expanded_queries(query, gallery, near, how.expansion.k, how.expansion.alpha)
        levels = [(wider, gallery)]
    count = len(embeddings[1])
    if how.rerank:
        queries, rerank = len(embeddings[0]), how.rerank
        everything = [np.concatenate(level) for level in levels]
        among_all = fused(method, [(images, images) for images in everything])
        ranked = Reranked(
            among_all, queries, queries + count, rerank.k1, rerank.k2, rerank.original
        )
        return PostProcessed(
            DistanceComparison(ranked.distances, count), _row_by_row(ranked.distances, count)
        )
    rows = fused_rows(method, levels)
    if len(levels) == 1 and not method.has_own_distance():
        query, gallery = levels[0]
        return PostProcessed(FeatureComparison(query, gallery, "euclidean"), rows)
    return PostProcessed(DistanceComparison(_of_ranges(rows), count), rows)


def _row_by_row(block: Distances, gallery: int) -> RowDistances:
    def distances_of(rows: Ids) -> NDArray[np.float64]:
        lines = [block(row, row + 1) for row in rows.tolist()]
        return np.concatenate(lines) if lines else np.empty((0, gallery))

    return distances_of


def fused(method: Method, levels: Sequence[Level]) -> Distances:
    """Return the mean over levels of the method's distances, see `fused_rows`."""
    return _of_ranges(fused_rows(method, levels))


def _of_ranges(distances_of: Callable[[slice], NDArray[np.float64]]) -> Distances:
    def block(start: int, stop: int) -> NDArray[np.float64]:
        return distances_of(slice(start, stop))

    return block


def fused_rows(
    method: Method, levels: Sequence[Level]
) -> Callable[[Ids | slice], NDArray[np.float64]]:
    """Return the mean over levels of the method's distances, of the rows of some queries.

    Columns that are equal in all levels get equal distances to the last bit: a matrix product may
    sum equal columns in different orders.
    """
    columns = np.concatenate([gallery for _, gallery in levels], axis=1)
    rows = EqualRows.of(columns[:0], columns)
    different = [(query, gallery[rows.firsts]) for query, gallery in levels]

    def distances_of(some: Ids | slice) -> NDArray[np.float64]:
        total = sum(method.distances(query[some], gallery) for query, gallery in different)
        return (np.asarray(total) / len(different))[:, rows.gallery]

    return distances_of


def embeddings_per_image(method: Method, images: Images, how: PostProcessing) -> int:
    """Return how many views are embedded in place of one image; `images` (1, H, W, 3) is one."""
    return sum(1 + sum(1 for _ in views_of(v, how)) for v in versions(method, images, how))


# --- views ----------------------------------------------------------------------------------------


def levels_of(
    method: Method, images: Images, rates: Ids, plain: Embeddings, how: PostProcessing
) -> list[Embeddings]:
    """Return the embeddings (N, D) of each level: of the images first, then of other versions.

    `plain` are those of the images themselves. Views of one level are averaged; but each is a
    level where the method has a distance of its own. A version of other resolution has an unknown
    rate. Raises InputError where one is not finite.
    """
    parts = [
        _levels_of_some(method, np.asarray(images[some]), rates[some], plain[some], how)
        for some in blocks(len(plain), IMAGES)
    ]
    levels = [np.concatenate(level) for level in zip(*parts, strict=True)]
    if not all(np.isfinite(level).all() for level in levels):
        raise InputError(
            f"method {method.name}: NaN or infinity in the embeddings of mirrored, moved or "
            "rebuilt images; leave these out of the row's post_processing"
        )
    return levels


def _levels_of_some(
    method: Method, images: Images, rates: Ids, plain: Embeddings, how: PostProcessing
) -> list[Embeddings]:
    levels: list[Embeddings] = []
    for number, version in enumerate(versions(method, images, how)):
        known = rates if number == 0 else np.zeros_like(rates)
        first = plain if number == 0 else method.embed_told(version, known)
        views = [first, *(method.embed_told(view, known) for view in views_of(version, how))]
        levels += views if method.has_own_distance() else [averaged(views)]
    return levels


def versions(method: Method, images: Images, how: PostProcessing) -> Iterator[Images]:
    """Yield the images, then the levels of the pyramid, then what the method rebuilds of them."""
    yield images
    height, width = images.shape[1:3]
    for factor in how.pyramid:
        small = resample(images, max(1, height // factor), max(1, width // factor))
        yield resample(small, height, width)
    if how.restorations:
        yield from method.reconstructions(images).values()


def views_of(images: Images, how: PostProcessing) -> Iterator[Images]:
    """Yield the views of (N, H, W, 3) images beside themselves: shifted, and all mirrored."""
    shifted = [images]
    if how.shifts:
        shifted += [
            moved(images, axis, step) for axis in (1, 2) for step in (-how.shifts, how.shifts)
        ]
    yield from shifted[1:]
    if how.mirror:
        yield from (np.ascontiguousarray(view[:, :, ::-1]) for view in shifted)


def moved(images: Images, axis: int, step: float) -> Images:
    """Sample (N, H, W, 3) images at points `step` pixels further along an axis, linearly.

    Beyond the edge is the pixel at the edge. Values are rounded, a half to the even one.
    """
    whole = int(np.floor(step))
    last = images.shape[axis] - 1
    places = np.arange(last + 1) + whole
    below = images.take(np.clip(places, 0, last), axis=axis)
    above = images.take(np.clip(places + 1, 0, last), axis=axis)
    share = step - whole
    return np.asarray(np.rint((1 - share) * below + share * above), dtype=np.uint8)


def averaged(views: Sequence[Embeddings]) -> Embeddings:
    """Return the mean direction of embeddings (N, D), at the mean of their lengths.

    Embeddings at length 1 stay there. A sum of zero stays zero; one view alone keeps its bits.
    """
    if len(views) == 1:
        return views[0]
    stacked = np.stack(views).astype(np.float64)
    total = stacked.sum(axis=0)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    mean = np.linalg.norm(stacked, axis=2).mean(axis=0)[:, None]
    return np.asarray(total / np.where(length > 0, length, 1.0) * mean, dtype=np.float32)
