"""Features as a network gives them, made from a seed, and who is on the images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.own_images import ImageIds

CAMERAS = 6
MATCHED = 0.82  # of the gallery, as in Market-1501: the others show nobody of the queries


@dataclass(frozen=True)
class Made:
    """Features (Q, D) and (G, D) float32, and the ids of their images."""

    query: NDArray[np.float32]
    gallery: NDArray[np.float32]
    ids: ImageIds


def made_features(queries: int, gallery: int, width: int, people: int, apart: float) -> Made:
    """Draw a point for each of the people, and features around it.

    apart: by so many deviations the squared distance to another person's feature is larger than to
    one of the same; 0: no feature tells anything of its person.
    """
    rng = np.random.default_rng(0)
    matched = round(MATCHED * gallery)
    query_pids = 1 + np.arange(queries) % people
    gallery_pids = np.zeros(gallery, dtype=np.int64)
    gallery_pids[:matched] = 1 + np.arange(matched) % people
    rng.shuffle(gallery_pids)
    camids = [rng.integers(1, CAMERAS + 1, count) for count in (queries, gallery)]
    centres = rng.standard_normal((people + 1, width), dtype=np.float32)
    query, gallery_features = (
        _around(centres, pids, (width**0.5 / apart) ** 0.5, rng)
        if apart
        else _anywhere(pids, width, rng)
        for pids in (query_pids, gallery_pids)
    )
    return Made(query, gallery_features, ImageIds(query_pids, gallery_pids, *camids))


def _around(
    centres: NDArray[np.float32], pids: NDArray[np.int64], noise: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return features (N, D) around the centres (people + 1, D); distractors, pid 0, anywhere."""
    features = np.float32(noise) * _anywhere(pids, centres.shape[1], rng)
    features += centres[pids]
    nobodys = pids == 0
    own = rng.standard_normal((int(nobodys.sum()), centres.shape[1]), dtype=np.float32)
    features[nobodys] += own - centres[0]
    return features


def _anywhere(pids: NDArray[np.int64], width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal((len(pids), width), dtype=np.float32)
