"""The evaluator against hand-made matrices, brute force, every possible draw, and Monte Carlo."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crossres.benchmark.metrics import comparisons
from crossres.benchmark.metrics.comparisons import DistanceComparison
from crossres.benchmark.metrics.measure import Metrics, measure
from crossres.benchmark.metrics.own_images import ImageIds
from crossres.benchmark.metrics.rules import GALLERY_RULES, GalleryRule, Rules, SameCamera
from crossres.datasets.base.errors import InputError
from tests.benchmark.metrics.known import known


def run(
    distances: Any,
    ids: tuple[Any, Any, Any, Any],
    gallery: GalleryRule = "multi-shot",
    same_camera: SameCamera = "drop",
) -> Metrics:
    matrix = np.array(distances, dtype=np.float64)
    arrays = [np.array(values, dtype=np.int64) for values in ids]
    return measure(
        DistanceComparison(lambda a, b: matrix[a:b], len(arrays[1])),
        ImageIds(*arrays),
        Rules(gallery, same_camera),
    )


def usable(ids: tuple[Any, Any, Any, Any], query: int, same_camera: str = "drop") -> list[int]:
    query_pids, gallery_pids, query_camids, gallery_camids = ids
    return [
        g
        for g, (pid, camid) in enumerate(zip(gallery_pids, gallery_camids, strict=True))
        if pid != -1
        and not (same_camera == "drop" and (pid, camid) == (query_pids[query], query_camids[query]))
    ]


def ranking(row: Any, pids: Any, candidates: list[int], pid: int) -> tuple[list[int], float, float]:
    """Ranks of the matches, AP and INP of one ranked list, in plain Python."""
    order = sorted(candidates, key=lambda g: (row[g], g))
    ranks = [rank for rank, g in enumerate(order, start=1) if pids[g] == pid]
    precisions = [hit / rank for hit, rank in enumerate(ranks, start=1)]
    return ranks, sum(precisions) / len(ranks), len(ranks) / ranks[-1]


def brute_force(distances: Any, ids: tuple[Any, Any, Any, Any], same_camera: str) -> list[float]:
    rows = []
    for query, query_pid in enumerate(ids[0]):
        candidates = usable(ids, query, same_camera)
        if any(ids[1][g] == query_pid for g in candidates):
            ranks, ap, inp = ranking(distances[query], ids[1], candidates, query_pid)
            rows.append([*(float(ranks[0] <= k) for k in (1, 5, 10, 20)), ap, inp])
    return [float(value) for value in np.mean(rows, axis=0)] if rows else []


def every_draw(distances: Any, ids: tuple[Any, Any, Any, Any]) -> list[float]:
    """Single-shot by enumerating all galleries of one usable image per identity."""
    rows = []
    for query, query_pid in enumerate(ids[0]):
        candidates = usable(ids, query)
        groups = [
            [g for g in candidates if ids[1][g] == pid]
            for pid in sorted({ids[1][g] for g in candidates})
        ]
        if not any(ids[1][g] == query_pid for g in candidates):
            continue
        drawn = []
        for gallery in itertools.product(*groups):
            ranks, ap, inp = ranking(distances[query], ids[1], list(gallery), query_pid)
            drawn.append([*(float(ranks[0] <= k) for k in (1, 5, 10, 20)), ap, inp])
        rows.append(np.mean(drawn, axis=0))
    return [float(value) for value in np.mean(rows, axis=0)] if rows else []


def values(measured: Metrics) -> list[float]:
    return [
        measured.rank1,
        measured.rank5,
        measured.rank10,
        measured.rank20,
        measured.mAP,
        measured.mINP,
    ]


# Gallery: 7 matches, another camera's 7, junk, a distractor nobody asks for, 8, 7 again (far).
GALLERY = ([7, 7, -1, 0, 8, 7], [1, 2, 2, 2, 2, 2])


def test_market_rules_by_hand() -> None:
    ids = ([7, 8, 9, 8], GALLERY[0], [1, 1, 1, 2], GALLERY[1])
    distances = [
        [0.0, 0.3, 0.1, 0.2, 0.5, 0.4],  # own camera and junk are dropped: 0 7 7 8
        [0.3, 0.3, 0.1, 0.3, 0.3, 0.3],  # all tied: by index 7 7 0 8 7, the match is fourth
        [0.0, 0.1, 0.2, 0.3, 0.4, 0.5],  # nobody is 9: skipped
        [0.0, 0.1, 0.2, 0.3, 0.4, 0.5],  # the only 8 was seen by the query's camera: skipped
    ]
    measured = run(distances, ids)
    assert (measured.valid_queries, measured.skipped_queries) == (2, 2)
    assert (measured.ranked_pairs, measured.true_pairs) == (4 + 5, 2 + 1)
    assert (measured.rank1, measured.rank5) == (0.0, 1.0)
    assert measured.cmc[:4] == (0.0, 0.5, 0.5, 1.0)
    assert measured.mAP == pytest.approx(((1 / 2 + 2 / 3) / 2 + 1 / 4) / 2)
    assert measured.mINP == pytest.approx((2 / 3 + 1 / 4) / 2)


def test_keep_leaves_the_same_camera_in() -> None:
    ids = ([7], GALLERY[0], [1], GALLERY[1])
    measured = run([[0.0, 0.3, 0.1, 0.2, 0.5, 0.4]], ids, same_camera="keep")
    assert measured.rank1 == 1.0
    assert measured.mAP == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_single_shot_by_hand() -> None:
    # The query's 7 shows image 1 or 5; 0 has one image, 8 one. Image 1: only 0 is closer: rank 2.
    # Image 5: 0 and 8 are closer: rank 3.
    ids = ([7], GALLERY[0], [1], GALLERY[1])
    measured = run([[0.0, 0.3, 0.1, 0.2, 0.35, 0.4]], ids, "single-shot")
    assert measured.rank1 == 0.0
    assert measured.cmc[1] == pytest.approx(0.5)
    assert measured.rank5 == 1.0
    assert measured.mAP == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert measured.mINP == measured.mAP


def test_pid_zero_is_an_identity_like_any_other() -> None:
    assert run([[0.1, 0.2]], ([0], [0, 5], [1], [2, 2])).rank1 == 1.0


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[list[float]], tuple[Any, Any, Any, Any]]:
    """Small evaluations with many ties, junk, distractors and same-camera entries."""
    queries, gallery = draw(st.integers(1, 4)), draw(st.integers(1, 8))

    def column(count: int, low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))

    ids = (
        column(queries, 0, 3),
        column(gallery, -1, 4),
        column(queries, 1, 2),
        column(gallery, 1, 2),
    )
    return [[d / 4 for d in column(gallery, 0, 4)] for _ in range(queries)], ids


@settings(max_examples=300, deadline=None)
@given(problems(), st.sampled_from(["drop", "keep"]))
def test_multi_shot_equals_brute_force(problem: Any, same_camera: SameCamera) -> None:
    expected = brute_force(*problem, same_camera)
    if expected:
        assert values(run(*problem, same_camera=same_camera)) == pytest.approx(expected, abs=1e-12)
    else:
        with pytest.raises(InputError, match="true match"):
            run(*problem, same_camera=same_camera)


@settings(max_examples=300, deadline=None)
@given(problems())
def test_single_shot_equals_every_draw(problem: Any) -> None:
    expected = every_draw(*problem)
    if expected:
        assert values(run(*problem, gallery="single-shot")) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_gallery_changes_nothing(problem: Any, random: Any) -> None:
    distances, (query_pids, gallery_pids, query_camids, gallery_camids) = problem
    # Without ties: these are broken by gallery index, which is what a permutation changes.
    matrix = np.array(distances) + np.linspace(0, 0.1, len(gallery_pids))
    order = list(range(len(gallery_pids)))
    random.shuffle(order)
    for rule in GALLERY_RULES:
        results = []
        for columns in (sorted(order), order):
            pids, camids = (np.array(a)[columns] for a in (gallery_pids, gallery_camids))
            try:
                measured = run(matrix[:, columns], (query_pids, pids, query_camids, camids), rule)
            except InputError:
                results.append([])
            else:  # means over identities add up in the order of the gallery
                counts = (measured.valid_queries, measured.ranked_pairs, measured.true_pairs)
                results.append([*counts, *values(measured)])
        assert results[0] == pytest.approx(results[1], abs=1e-12)


def random_problem(seed: int, people: int, most: int) -> tuple[NDArray[np.float64], Any]:
    rng = np.random.default_rng(seed)
    pids = np.repeat(np.arange(people), rng.integers(1, most + 1, people))
    query_pids = rng.integers(0, people, 60)
    distances = rng.random((60, len(pids))) - 0.3 * (query_pids[:, None] == pids)
    ones = np.ones(len(pids), dtype=np.int64)
    return distances, (query_pids, pids, np.zeros(60, dtype=np.int64), ones)


def test_single_shot_agrees_with_monte_carlo() -> None:
    distances, ids = random_problem(1, people=40, most=6)
    groups = [np.flatnonzero(ids[1] == pid) for pid in range(40)]
    rng = np.random.default_rng(2)
    draws = []
    for _ in range(1500):
        gallery = np.array([rng.choice(group) for group in groups])
        true = distances[np.arange(60), gallery[ids[0]]]
        rank = 1 + (distances[:, gallery] < true[:, None]).sum(axis=1)
        draws.append(
            [(rank <= 1).mean(), (rank <= 5).mean(), (rank <= 10).mean(), (1 / rank).mean()]
        )
    mean, error = np.mean(draws, axis=0), np.std(draws, axis=0) / np.sqrt(len(draws))
    measured = run(distances, ids, "single-shot")
    exact = np.array([measured.rank1, measured.rank5, measured.rank10, measured.mAP])
    assert (np.abs(exact - mean) < 4 * error).all()
    assert (error < 0.01).all()


def test_single_shot_with_one_image_each_is_multi_shot() -> None:
    distances, ids = random_problem(3, people=200, most=1)
    single, multi = (run(distances, ids, rule) for rule in GALLERY_RULES)
    assert values(single) == pytest.approx(values(multi), abs=1e-12)
    assert single.cmc == pytest.approx(multi.cmc, abs=1e-12)
    # 200 identities: ranks beyond the 50 of the curve occur, so the curve must not reach 1.
    assert multi.cmc[-1] < 1


def test_blocks_bound_the_memory_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    distances, ids = random_problem(4, people=30, most=5)
    arrays = [np.asarray(values, dtype=np.int64) for values in ids]
    at_once = [run(distances, ids, rule) for rule in GALLERY_RULES]
    sizes = []

    def block(start: int, stop: int) -> NDArray[np.float64]:
        sizes.append(stop - start)
        return distances[start:stop]

    monkeypatch.setattr(comparisons, "BLOCK_BYTES", 8 * distances.shape[1] * 7)
    comparison = DistanceComparison(block, distances.shape[1])
    by_block = [measure(comparison, ImageIds(*arrays), Rules(rule)) for rule in GALLERY_RULES]
    assert by_block == at_once
    assert max(sizes) == 7
    assert sum(sizes) == 2 * len(distances)


def test_the_callers_distances_are_left_alone() -> None:
    matrix = np.array([[0.1, 0.2]])
    ids = ImageIds(*(np.array(a) for a in ([1], [1, 1], [1], [1, 2])))
    measure(known(matrix), ids)
    assert matrix.tolist() == [[0.1, 0.2]]


def test_unusable_distances_are_named() -> None:
    ids = ([1], [1, 2], [1], [2, 2])
    with pytest.raises(InputError, match="NaN or infinity"):
        run([[np.nan, 0.2]], ids)
    with pytest.raises(InputError, match=r"\(1, 2\) float64, not \(1, 3\)"):
        run([[0.1, 0.2, 0.3]], ids)


def test_shared_galleries_are_not_measured_as_if_they_were_others() -> None:
    with pytest.raises(InputError, match="unknown gallery 'shared'; known are single-shot, multi"):
        measure(
            known(np.zeros((4, 1))),
            ImageIds(*np.ones((4, 1), int)),
            Rules("shared"),
        )
