"""What a cell keeps of its rankings, against rankings by plain sorting."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from crossres.benchmark.measures import ranked_queries as module
from crossres.benchmark.measures.ranked_queries import NO_IMAGE, ranked_queries
from crossres.benchmark.metrics.comparisons import DistanceComparison
from crossres.benchmark.metrics.measure import measure
from crossres.benchmark.metrics.own_images import ImageIds
from crossres.datasets.splits.manifest import Manifest

Distances = NDArray[np.float64]
People = Sequence[tuple[int, int]]  # pid and camid of each image


def split(queries: People, gallery: People) -> Manifest:
    """A manifest of these images, in this order."""
    lines = [
        (f"{part}/{number:03d}.png", pid, camid, part, 1)
        for part, people in (("query", queries), ("gallery", gallery))
        for number, (pid, camid) in enumerate(people)
    ]
    table = pd.DataFrame(lines, columns=["path", "pid", "camid", "split", "rate"])
    return Manifest("mlr-viper", "mlr-sing", 0, table)


def ranked(manifest: Manifest, distances: Distances) -> dict[str, NDArray[Any]]:
    return ranked_queries(manifest, lambda rows: distances[rows])


def by_sorting(distances: Distances, query: int, queries: People, gallery: People) -> list[int]:
    """The gallery images that the query may find, nearest first."""
    pid, camid = queries[query]
    usable = [
        k
        for k, (own_pid, own_camid) in enumerate(gallery)
        if own_pid != -1 and not (own_pid == pid and own_camid == camid != -1)
    ]
    return sorted(usable, key=lambda k: (distances[query, k], k))


@pytest.fixture
def people() -> tuple[People, People]:
    """Queries and a gallery with junk, distractors, unknown cameras, and one without a match."""
    rng = np.random.default_rng(5)
    gallery, queries = (
        [(int(pid), int(camid)) for pid, camid in rng.integers([low, -1], [9, 3], (count, 2))]
        for low, count in ((0, 60), (1, 20))
    )
    return [*queries, (77, 0)], [*gallery, (-1, 0), (-1, 1), (0, 2), (50, 1)]


@pytest.mark.parametrize("block_bytes", [1, 8 * 64 * 4, 2**26])
def test_rankings_are_those_of_sorting(
    people: tuple[People, People], block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    queries, gallery = people
    # Of few values, so that many images are exactly as far as others.
    distances = np.random.default_rng(1).integers(0, 12, (len(queries), len(gallery))) / 4
    manifest = split(queries, gallery)
    arrays = ranked(manifest, distances)
    assert arrays["scored_names"].tolist() == manifest.rows("query")["path"].tolist()
    assert arrays["ranked_queries"].tolist() == list(range(len(queries)))
    for query, (pid, _) in enumerate(queries):
        order = by_sorting(distances, query, queries, gallery)
        top = order[:5]
        assert arrays["ranked_rows"][query].tolist() == top
        assert arrays["ranked_pids"][query].tolist() == [gallery[k][0] for k in top]
        assert arrays["ranked_camids"][query].tolist() == [gallery[k][1] for k in top]
        assert arrays["ranked_distances"][query].tolist() == distances[query, top].tolist()
        matches = [rank for rank, k in enumerate(order, start=1) if gallery[k][0] == pid]
        if not matches:
            assert arrays["first_ranks"][query] == 0
            assert arrays["first_rows"][query] == NO_IMAGE
            assert np.isinf(arrays["first_distances"][query])
            continue
        first = order[matches[0] - 1]
        assert arrays["first_ranks"][query] == matches[0]
        assert arrays["first_rows"][query] == first
        assert arrays["first_camids"][query] == gallery[first][1]
        assert arrays["first_distances"][query] == distances[query, first]
    assert (arrays["first_ranks"] == 0).any()
    assert arrays["first_ranks"].max() > 5


def test_what_agrees_with_the_metrics(people: tuple[People, People]) -> None:
    queries, gallery = people
    distances = np.random.default_rng(2).random((len(queries), len(gallery)))
    ids = ImageIds(
        *(np.array([pid for pid, _ in side]) for side in people),
        *(np.array([camid for _, camid in side]) for side in people),
    )
    metrics = measure(DistanceComparison(lambda a, b: distances[a:b], len(gallery)), ids)
    rank1 = metrics.per_query[:, 0]
    arrays = ranked(split(queries, gallery), distances)
    first = arrays["first_ranks"]
    assert (np.isnan(rank1) == (first == 0)).all()
    assert ((rank1 == 1) == (first == 1)).all()
    positives, negatives = arrays["distance_counts"].sum(axis=(0, 2)).tolist()
    assert (positives, positives + negatives) == (metrics.true_pairs, metrics.ranked_pairs)


def test_a_gallery_of_fewer_images_than_are_kept() -> None:
    arrays = ranked(split([(1, 0)], [(2, 0), (1, 1), (1, 0), (-1, 1)]), np.array([[3.0, 4, 1, 2]]))
    assert arrays["ranked_rows"].tolist() == [[0, 1, NO_IMAGE, NO_IMAGE, NO_IMAGE]]
    assert arrays["ranked_pids"].tolist() == [[2, 1, -1, -1, -1]]
    assert np.isinf(arrays["ranked_distances"][0, 2:]).all()
    assert (arrays["first_ranks"].tolist(), arrays["first_rows"].tolist()) == ([2], [1])


def test_of_many_queries_some_are_drawn_by_their_names(
    people: tuple[People, People], monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, gallery = people
    distances = np.random.default_rng(3).random((len(queries), len(gallery)))
    manifest = split(queries, gallery)
    whole = ranked(manifest, distances)
    monkeypatch.setattr(module, "MOST_QUERIES", 8)
    some = ranked(manifest, distances)
    rows = some["ranked_queries"]
    assert len(rows) == 8
    assert (np.diff(rows) > 0).all()
    assert rows.tolist() != list(range(8))
    assert some["distance_queries"].sum() <= 8
    by_query = {name for name in some if name.startswith(("ranked_", "first_"))}
    for name in by_query - {"ranked_queries"}:
        assert (some[name] == whole[name][rows]).all(), name
    # Other distances, the same queries: they are drawn before anything is known of them.
    assert (ranked(manifest, 1 - distances)["ranked_queries"] == rows).all()
