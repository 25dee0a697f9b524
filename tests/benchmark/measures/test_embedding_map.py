"""The map of embeddings: which images it has, and that it is that of principal components."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from crossres.benchmark.measures.embedding_map import (
    MOST_IMAGES,
    MOST_OF_SIDE,
    SIDE,
    embedding_map,
    scaled,
)
from crossres.benchmark.records.artifacts import write_artifact
from crossres.datasets.splits.manifest import Manifest
from crossres.methods.interface.distances import euclidean

RNG = np.random.default_rng


class Euclidean:
    """As much of a method as a map asks for."""

    def distances(self, query: Any, gallery: Any) -> Any:
        return euclidean(query, gallery)

    def has_own_distance(self) -> bool:
        return False


class Own(Euclidean):
    """A distance that may be negative and depends on which side an image is on."""

    def distances(self, query: Any, gallery: Any) -> Any:
        return euclidean(query, gallery) - 3 + query[:, :1]

    def has_own_distance(self) -> bool:
        return True


def split(query_pids: list[int], gallery_pids: list[int]) -> Manifest:
    lines = [
        (f"{part}/{number:05d}.png", pid, number % 6, part, 1 if part == "gallery" else 4)
        for part, pids in (("query", query_pids), ("gallery", gallery_pids))
        for number, pid in enumerate(pids)
    ]
    table = pd.DataFrame(lines, columns=["path", "pid", "camid", "split", "rate"])
    return Manifest("mlr-viper", "mlr-sing", 0, table)


def map_of(manifest: Manifest, method: Any = None) -> dict[str, NDArray[Any]]:
    counts = [len(manifest.rows(side)) for side in ("query", "gallery")]
    embeddings = [RNG(k).normal(size=(n, 20)).astype(np.float32) for k, n in enumerate(counts)]
    return embedding_map(method or Euclidean(), manifest, (embeddings[0], embeddings[1]))


def test_it_is_the_map_of_principal_components() -> None:
    points = RNG(7).normal(size=(90, 12)) * np.linspace(4, 1, 12) + 50
    places, share = scaled(euclidean(points, points))
    pca = PCA(2)
    expected = pca.fit_transform(points)
    expected *= np.sign(expected[np.abs(expected).argmax(axis=0), [0, 1]])
    expected -= (expected.min(axis=0) + expected.max(axis=0)) / 2
    expected *= SIDE / np.ptp(expected, axis=0).max()
    assert np.abs(places - (expected + SIDE / 2)).max() <= 0.51
    assert share == pytest.approx(pca.explained_variance_ratio_.sum(), abs=1e-9)


def test_points_turned_round_have_the_same_map() -> None:
    points = RNG(2).normal(size=(40, 5))
    places, share = scaled(euclidean(points, points))
    turned, same = scaled(euclidean(-points, -points))
    assert (places.tolist(), share) == (turned.tolist(), pytest.approx(same))


def test_images_that_are_all_the_same_lie_in_the_middle() -> None:
    places, share = scaled(np.zeros((4, 4)))
    assert (places.tolist(), share) == ([[SIDE // 2] * 2] * 4, 0.0)


def test_which_images_are_on_it() -> None:
    gallery = [pid for pid in range(60) for _ in range(pid % 20)] + [-1, -1]
    manifest = split([pid for pid in range(70) for _ in range(2)] + [-1], gallery)
    arrays = map_of(manifest)
    pids, is_query = arrays["map_pids"], arrays["map_is_query"]
    assert MOST_IMAGES - 2 * MOST_OF_SIDE < len(pids) <= MOST_IMAGES
    assert arrays["map_places"].shape == (len(pids), 2)
    assert arrays["map_places"].max() == SIDE
    order = list(dict.fromkeys(pids.tolist()))
    assert order != sorted(order)
    assert -1 not in order
    for pid in order:
        here = pids == pid
        assert np.diff(np.flatnonzero(here)).tolist() == [1] * (here.sum() - 1)
        assert (here & is_query).sum() == 2
        assert (here & ~is_query).sum() == min(MOST_OF_SIDE, pid % 20)
    assert set(arrays["map_rates"][is_query].tolist()) == {4}
    assert set(arrays["map_rates"][~is_query].tolist()) == {1}
    assert 0 < float(arrays["map_share"][0]) < 1
    again = map_of(manifest)
    assert all(again[name].tobytes() == array.tobytes() for name, array in arrays.items())


def test_a_distance_of_its_own_is_scaled_too() -> None:
    pids = list(range(30))
    arrays = map_of(split(pids, pids), Own())
    assert arrays["map_is_own"].tolist() == [True]
    assert len(arrays["map_places"]) == 60
    assert len(np.unique(arrays["map_places"], axis=0)) > 50
    assert 0 < float(arrays["map_share"][0]) < 1


def test_there_is_none_where_there_is_nothing_to_draw() -> None:
    class Broken(Own):
        def distances(self, query: Any, gallery: Any) -> Any:
            return np.full((len(query), len(gallery)), np.nan)

    assert map_of(split([1, 2, -1], [3, -1])) == {}
    assert map_of(split([1], [1]), Broken()) == {}
    assert len(map_of(split([1], [1]))["map_pids"]) == 2


def test_it_takes_less_than_five_kilobytes(tmp_path: Any) -> None:
    arrays = map_of(split(list(range(300)), list(range(300))))
    assert len(arrays["map_pids"]) == MOST_IMAGES
    assert write_artifact(tmp_path, "k", arrays).stat().st_size < 5000
