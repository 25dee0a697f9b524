"""Lay test images of a cell out in two dimensions, so that a report can draw where they lie.

By classical scaling (Torgerson 1952) of the distances between them: of Euclidean distances that is
the map of principal components. It is linear and the same for the same embeddings.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.own_images import JUNK, Ids
from crossres.datasets.base.draws import ordered
from crossres.datasets.splits.manifest import Manifest
from crossres.methods.interface.method import Embeddings, Method

Matrix = NDArray[np.float64]
Place = tuple[str, int]
"""An image: its split, and its row there."""

MOST_IMAGES = 300
MOST_OF_SIDE = 12  # images of one identity, of queries and of the gallery each
SIDE = 1000  # of the square in which the places lie


def embedding_map(
    method: Method, manifest: Manifest, embeddings: tuple[Embeddings, Embeddings]
) -> dict[str, NDArray[Any]]:
    """Return the places of n <= MOST_IMAGES queries and gallery images, without junk.

    Identities that have both are drawn by hash, and of each up to MOST_OF_SIDE images a side; the
    images of an identity follow each other. map_pids, map_camids, map_rates (n,) int64;
    map_is_query (n,) bool; map_places (n, 2) uint16 in 0..SIDE, in one scale for both axes;
    map_share (1,) float64: see `scaled`; map_is_own (1,) bool: whether the distances are the
    method's own rather than Euclidean. {} where no identity has both sides, and for distances that
    are not finite.
    """
    rows = {split: manifest.rows(split) for split in ("query", "gallery")}
    pids, camids, rates = (
        {split: images[name].to_numpy() for split, images in rows.items()}
        for name in ("pid", "camid", "rate")
    )
    paths = {split: images["path"].tolist() for split, images in rows.items()}
    of = ("map", manifest.dataset, manifest.protocol, manifest.seed)
    images = _chosen(pids, paths, of)
    if not images:
        return {}
    by_split = dict(zip(("query", "gallery"), embeddings, strict=True))
    chosen = np.stack([by_split[split][row] for split, row in images])
    distances = method.distances(chosen, chosen)
    if not np.isfinite(distances).all():
        return {}
    places, share = scaled(distances)
    return {
        "map_pids": _of_images(pids, images),
        "map_camids": _of_images(camids, images),
        "map_rates": _of_images(rates, images),
        "map_is_query": np.array([split == "query" for split, _ in images]),
        "map_places": places,
        "map_share": np.array([share]),
        "map_is_own": np.array([method.has_own_distance()]),
    }


def scaled(distances: Matrix) -> tuple[NDArray[np.uint16], float]:
    """Return places (n, 2) in 0..SIDE whose distances resemble those of a finite (n, n) matrix.

    And the share of the variance along their two axes: of Euclidean distances that of the points,
    of others of the sum of all |eigenvalues|; 0 where all distances are 0. What is not symmetric is
    averaged, and all are moved so that none is negative. An axis has the direction in which the
    farthest image lies above the middle.
    """
    far = (distances + distances.T) / 2
    far -= min(0.0, float(far.min()))
    np.fill_diagonal(far, 0.0)
    far *= far
    far -= far.mean(axis=0)
    far -= far.mean(axis=1)[:, None]
    values, vectors = np.linalg.eigh(far / -2)
    total = float(np.abs(values).sum())
    axes = vectors[:, :-3:-1] * np.sqrt(np.maximum(values[:-3:-1], 0.0))
    span = float(np.ptp(axes, axis=0).max())
    if not span:
        return np.full((len(far), 2), SIDE // 2, dtype=np.uint16), 0.0
    farthest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    axes *= np.where(farthest < 0, -1.0, 1.0)
    middle = (axes.min(axis=0) + axes.max(axis=0)) / 2
    places = np.rint((axes - middle) * (SIDE / span) + SIDE / 2)
    share = float(np.maximum(values[:-3:-1], 0.0).sum()) / total
    return np.clip(places, 0, SIDE).astype(np.uint16), share


def _chosen(
    pids: Mapping[str, Ids], paths: Mapping[str, list[str]], of: tuple[str | int, ...]
) -> list[Place]:
    """Return the images, identity by identity in the order of the draw."""
    both = np.intersect1d(pids["query"], pids["gallery"])
    chosen: list[Place] = []
    for pid in ordered(both[both != JUNK].tolist(), *of):
        images: list[Place] = []
        for split in ("gallery", "query"):
            rows = np.flatnonzero(pids[split] == pid).tolist()
            drawn = ordered(rows, *of, split, key=paths[split].__getitem__)
            images += [(split, row) for row in sorted(drawn[:MOST_OF_SIDE])]
        if len(chosen) + len(images) > MOST_IMAGES:
            break
        chosen += images
    return chosen


def _of_images(column: Mapping[str, Ids], images: list[Place]) -> Ids:
    return np.array([column[split][row] for split, row in images], dtype=np.int64)
