"""The gallery rule "shared": the expectation of the exact rule, and draws that nothing disturbs."""

from typing import Any

import numpy as np
import pytest

from crossres.benchmark import Rules, evaluate
from crossres.benchmark.metrics.measure import as_dict, measure
from crossres.benchmark.metrics.own_images import ImageIds
from crossres.benchmark.metrics.shared_galleries import measure_shared
from crossres.datasets.base.draws import draw
from crossres.datasets.base.errors import InputError
from tests.benchmark.metrics.known import known


def case(seed: int) -> tuple[np.ndarray, ImageIds]:
    """Identities of 1 to 5 images, distractors, junk, unknown and same cameras, some ties."""
    rng = np.random.default_rng(seed)
    gallery_pids = np.repeat(np.arange(10), rng.integers(1, 6, 10))
    gallery_pids = rng.permutation(np.r_[gallery_pids, -1, -1])
    query_pids = rng.integers(0, 8, 12)  # 8 and 9 are distractors
    distances = rng.random((12, len(gallery_pids))) - 0.2 * (query_pids[:, None] == gallery_pids)
    ids = ImageIds(
        query_pids,
        gallery_pids,
        rng.choice([-1, 1, 2], 12),
        rng.choice([-1, 1, 2, 3], len(gallery_pids)),
    )
    return np.round(distances, 1 + seed % 3), ids


@pytest.mark.parametrize("rules", [{}, {"separate_cameras": True}, {"ap": "trapezoid"}])
def test_the_mean_of_drawn_galleries_is_the_exact_expectation(rules: Any) -> None:
    repetitions, beyond = 200, 0
    for seed in range(25):
        distances, ids = case(seed)
        exact = as_dict(
            measure(
                known(distances),
                ids,
                Rules("single-shot", **rules),
            )
        )
        shared = measure_shared(
            lambda a, b, d=distances: d[a:b],
            ids,
            Rules("shared", repetitions=repetitions, seed=seed, **rules),
        ).metrics
        assert shared["valid_queries"] == exact["valid_queries"]
        for name in ("rank1", "rank5", "mAP", "mINP"):
            error = shared[f"{name}_std"] / np.sqrt(repetitions)
            assert error < 0.02
            beyond += abs(shared[name] - exact[name]) > 4 * error + 1e-12
    # 100 comparisons at 4 standard errors: one beyond would be a chance of less than 1 in 100.
    assert beyond == 0


def test_one_repetition_is_the_draw_that_the_document_names() -> None:
    pids = np.array([3, 5, 3, 5, 3])
    first = {
        pid: min(range(count), key=lambda index: draw("evaluate", "shared", 7, 0, pid, index))
        for pid, count in ((3, 3), (5, 2))
    }
    images = {pid: int(np.flatnonzero(pids == pid)[index]) for pid, index in first.items()}
    for closest in range(5):  # rank 1 when the drawn 3 is closer than the drawn 5
        distances = np.ones((1, 5))
        distances[0, closest] = 0.0
        ids = ImageIds(np.array([3]), pids, np.array([1]), np.full(5, 2))
        shared = measure_shared(
            lambda a, b, d=distances: d[a:b], ids, Rules(repetitions=1, seed=7)
        ).metrics
        row = distances[0]
        expected = (row[images[3]], images[3]) < (row[images[5]], images[5])
        assert shared["rank1"] == float(expected)
        assert shared["rank1_std"] == 0.0


def test_a_query_sees_the_next_image_when_the_drawn_one_is_of_its_camera() -> None:
    # Identity 1: one image of camera 1 (at distance 0) and one of camera 2 (0.5); identity 2: 0.4.
    # The query of camera 1 sees the second in every draw, at rank 2; that of camera 3 sees the
    # first in about half of the draws (rank 1) and the second in the others (rank 2).
    distances = np.tile([0.0, 0.5, 0.4], (2, 1))
    ids = ImageIds(np.array([1, 1]), np.array([1, 1, 2]), np.array([1, 3]), np.array([1, 2, 1]))
    for query, low, high in ((0, 0.0, 0.0), (1, 0.4, 0.6)):
        query_ids = ImageIds(
            ids.query_pids[:1], ids.gallery_pids, ids.query_camids[[query]], ids.gallery_camids
        )
        shared = measure_shared(
            lambda a, b: distances[a:b], query_ids, Rules(repetitions=400)
        ).metrics
        assert low <= shared["rank1"] <= high
        assert shared["rank5"] == shared["valid_queries"] == 1


def test_draws_depend_on_the_seed_and_not_on_how_identities_interleave() -> None:
    distances, ids = case(3)
    order = np.argsort(ids.gallery_pids, kind="stable")  # keeps the order within each pid
    moved = ImageIds(
        ids.query_pids, ids.gallery_pids[order], ids.query_camids, ids.gallery_camids[order]
    )
    distances = distances + np.linspace(0, 0.01, distances.shape[1])  # no ties
    shared = measure_shared(lambda a, b: distances[a:b], ids, Rules(repetitions=30)).metrics
    reordered = measure_shared(
        lambda a, b: distances[a:b][:, order], moved, Rules(repetitions=30)
    ).metrics
    reseeded = measure_shared(
        lambda a, b: distances[a:b], ids, Rules(repetitions=30, seed=1)
    ).metrics
    assert reordered == shared
    assert reseeded != shared


def test_one_image_each_leaves_nothing_to_draw() -> None:
    rng = np.random.default_rng(0)
    features = {"query_features": rng.random((20, 3)), "gallery_features": rng.random((30, 3))}
    ids = {
        "query_pids": np.arange(20),
        "gallery_pids": np.arange(30),
        "query_camids": np.zeros(20, int),
        "gallery_camids": np.ones(30, int),
    }
    shared = evaluate(**features, **ids, rules=Rules("shared", repetitions=3))
    exact = evaluate(**features, **ids)
    assert {name: shared[name] for name in exact} == pytest.approx(exact, abs=1e-12)
    assert shared["repetitions"] == 3
    assert all(shared[f"{name}_std"] == 0 for name in ("rank1", "mAP", "mINP"))


def test_repetitions_start_at_one() -> None:
    distances, ids = case(0)
    with pytest.raises(InputError, match="0 repetitions; at least 1"):
        measure_shared(lambda a, b: distances[a:b], ids, Rules(repetitions=0))
