"""Screening in float32 gives the ranks of float64, whatever the features, threads and blocks."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crossres.benchmark.metrics import (
    compiled_passes,
    features,
    identities,
    passes,
    products,
    scoring,
)
from crossres.benchmark.metrics.features import FeatureBlock, FeatureComparison, Metric
from crossres.benchmark.metrics.measure import Metrics, measure
from crossres.benchmark.metrics.own_images import Ids, ImageIds
from crossres.benchmark.metrics.rules import Rules
from crossres.datasets.base.errors import InputError
from tests.benchmark.metrics.known import known

Case = tuple[NDArray[Any], NDArray[Any], ImageIds]

pytestmark = pytest.mark.usefixtures("both_passes")

RULES = [
    Rules(gallery, same_camera=camera, separate_cameras=separate, ties=ties)
    for gallery, camera, separate, ties in itertools.product(
        ("multi-shot", "single-shot"), ("drop", "keep"), (False, True), ("order", "half")
    )
    if not (separate and camera == "keep") and not (ties == "half" and gallery == "multi-shot")
]


def case(kind: str, seed: int, queries: int = 12, images: int = 40, width: int = 70) -> Case:
    """Features of some kind, with few people, junk, distractors and unknown cameras."""
    rng = np.random.default_rng(seed)
    query, gallery = rng.normal(size=(queries, width)), rng.normal(size=(images, width))
    if kind == "bits":
        query, gallery = (query > 0).astype(np.int8), (gallery > 0).astype(np.int8)
    if kind == "copies":
        gallery = gallery[rng.integers(0, images // 3, images)]
        query = gallery[rng.integers(0, images, queries)]
    if kind == "constant":
        query[:], gallery[:] = 1.5, 1.5
    if kind == "alike":  # float32 sees no difference
        gallery = gallery[:1] + 1e-9 * gallery
        query = gallery[rng.integers(0, images, queries)] + 1e-10 * query
    if kind == "far":
        query, gallery = query + 1e6, gallery + 1e6
    if kind == "zeros":
        query[rng.random(queries) < 0.4] = 0
        gallery[rng.random(images) < 0.4] = 0
    if kind == "tiny":
        query, gallery = query * 1e-60, gallery * 1e-60
    if kind == "outlier":
        gallery[::7] *= 1e8
    if kind == "overflow":
        query, gallery = query.astype(np.float32), gallery.astype(np.float32)
        gallery[::7] *= np.float32(1e37)
    if kind == "opposite":  # their differences are beyond float32
        query, gallery = query.astype(np.float32), gallery.astype(np.float32)
        gallery[::3, 0], gallery[1::3, 0], query[:, 0] = 3e38, -3e38, 3e38
    if kind == "beyond":  # squares of the largest, scaled as most of them are, are beyond float64
        query, gallery = query * 1e-120, gallery * 1e-120
        query[::3], gallery[::5] = query[::3] * 1e250, gallery[::5] * 1e250
    if kind == "subnormal":  # squares of most of them
        query, gallery = query * 1e-161, gallery * 1e-161
        gallery[-1], query[0] = 1.0, 1e-149
    if kind in ("float16", "float32"):
        query, gallery = query.astype(kind), gallery.astype(kind)
    people = int(rng.integers(2, 6))
    ids = ImageIds(
        rng.integers(0, people, queries),
        rng.integers(-1, people + 1, images),
        rng.integers(-1, 3, queries),
        rng.integers(-1, 3, images),
    )
    return query, gallery, ids


def exactly(query: NDArray[Any], gallery: NDArray[Any], metric: Metric) -> NDArray[np.float64]:
    """All distances in float64, by the differences of the features."""
    left, right = query.astype(np.float64), gallery.astype(np.float64)
    if metric == "cosine":
        left, right = features.unit(left), features.unit(right)
    rows, columns = np.indices((len(left), len(right)))
    gaps = passes.squared_gaps(left, right, rows.ravel(), columns.ravel())
    distances = gaps.reshape(rows.shape)
    if metric == "cosine":
        distances[~left.any(axis=1)] = 2.0
        distances[:, ~right.any(axis=1)] = 2.0
    return distances


def assert_same(first: Metrics, second: Metrics) -> None:
    assert first == second
    assert np.array_equal(first.per_query, second.per_query, equal_nan=True)


KINDS = [
    "normal", "float16", "float32", "bits", "copies", "constant", "alike", "far", "zeros", "tiny",
    "outlier", "overflow", "opposite", "beyond", "subnormal",
]  # fmt: skip


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_ranks_are_those_of_all_exact_distances(kind: str, metric: Metric) -> None:
    for seed, width in enumerate((1, 3, 64, 70, 200, 129)):
        query, gallery, ids = case(kind, seed, width=width)
        distances = exactly(query, gallery, metric)
        for rules in RULES:
            expected = measure(known(distances), ids, rules)
            assert_same(measure(FeatureComparison(query, gallery, metric), ids, rules), expected)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["overflow", "opposite", "beyond", "subnormal"])
def test_what_is_hidden_stays_so_where_distances_are_beyond_float32(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A match in a part that float32 cannot hold is compared with images of one that it can."""
    monkeypatch.setattr(features, "PART_BYTES", 4 * 70 * 3)
    for seed, rules in itertools.product(range(4), RULES):
        query, gallery, ids = case(kind, seed)
        expected = measure(known(exactly(query, gallery, "euclidean")), ids, rules)
        assert_same(measure(FeatureComparison(query, gallery, "euclidean"), ids, rules), expected)


@pytest.mark.parametrize("width", [3, 70, 10_000])
def test_a_row_has_one_length_wherever_it_stands(width: int) -> None:
    rows = np.random.default_rng(0).normal(size=(20, width))
    alone = np.concatenate([features.unit(row[None]) for row in rows])
    assert (features.unit(rows) == alone).all()
    assert (features.unit(np.asfortranarray(rows)) == alone).all()


def paired_gaps(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """The squared distances of row 0 and row 0, 1 and 1, and so on."""
    both = np.arange(len(left))
    return passes.passes_for(len(left)).squared_gaps(left, right, both, both)


def test_gaps_are_those_of_exact_sums() -> None:
    rng = np.random.default_rng(0)
    for width in (1, 2, 63, 64, 65, 500, 2048):
        left, right = rng.normal(size=(2, 9, width))
        expected = [math.fsum(((a - b) ** 2).tolist()) for a, b in zip(left, right, strict=True)]
        assert paired_gaps(left, right) == pytest.approx(expected, rel=1e-14)
        assert not paired_gaps(left, left).any()


def test_gaps_are_added_up_in_the_order_that_is_promised() -> None:
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(2, 5, 200))
    for row in range(5):
        lanes = [0.0] * 64
        for column in range(200):
            gap = left[row, column] - right[row, column]
            lanes[column % 64] += gap * gap
        while len(lanes) > 1:
            half = len(lanes) // 2
            lanes = [a + b for a, b in zip(lanes[:half], lanes[half:], strict=True)]
        assert paired_gaps(left, right)[row] == lanes[0]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("kind", ["float32", "copies", "alike"])
def test_no_bit_hangs_on_sizes_threads_or_the_order_of_queries(
    kind: str, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, gallery, ids = case(kind, 3, queries=40, images=150)
    usual = measure(FeatureComparison(query, gallery, "euclidean"), ids, rules)
    for threads in (2, 3):
        comparison = FeatureComparison(query, gallery, "euclidean")
        assert_same(measure(comparison, ids, rules, threads), usual)
    order = np.random.default_rng(0).permutation(len(query))
    shuffled = ImageIds(
        ids.query_pids[order], ids.gallery_pids, ids.query_camids[order], ids.gallery_camids
    )
    moved = measure(FeatureComparison(query[order], gallery, "euclidean"), shuffled, rules)
    assert moved == usual
    assert np.array_equal(moved.per_query, usual.per_query[order], equal_nan=True)
    monkeypatch.setattr(features, "PART_BYTES", 4 * 70 * 7)
    monkeypatch.setattr(products, "PRODUCT_COLUMNS", 3)
    for module in (passes, compiled_passes):
        monkeypatch.setattr(module, "MOST_SUMMED", 11)
    monkeypatch.setattr(features, "QUERIES_BYTES", 20 * 70 * 11)
    monkeypatch.setattr(features, "ROWS_BYTES", 8 * 70 * 2)
    monkeypatch.setattr(passes, "PAIRS_BYTES", 8 * 70 * 5)
    monkeypatch.setattr(scoring, "TILE_VALUES", 30)
    monkeypatch.setattr(scoring, "MOST_ENTRIES", 20)
    monkeypatch.setattr(identities, "MERGED_FROM", 0)
    monkeypatch.setattr(compiled_passes, "COUNTERS", 50)
    assert_same(measure(FeatureComparison(query, gallery, "euclidean"), ids, rules), usual)


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize(
    "rules", [Rules(), Rules("single-shot"), Rules("single-shot", ties="half")]
)
def test_what_is_settled_in_float64_first_changes_nothing(
    share: float, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in KINDS:
        query, gallery, ids = case(kind, 5)
        usual = measure(FeatureComparison(query, gallery, "euclidean"), ids, rules)
        with monkeypatch.context() as patched:
            for module in (passes, compiled_passes):
                patched.setattr(module, "MOST_OPEN", share)
            assert_same(measure(FeatureComparison(query, gallery, "euclidean"), ids, rules), usual)


def test_few_pairs_are_compared_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Screening is what makes it quick: of 200 x 2,000 random pairs, under one in a hundred."""
    query, gallery, ids = case("float32", 0, queries=200, images=2000, width=64)
    pairs = []
    exact = FeatureBlock.exact

    def counted(block: FeatureBlock, rows: Ids, columns: Ids) -> NDArray[np.float64]:
        pairs.append(len(rows))
        return exact(block, rows, columns)

    monkeypatch.setattr(FeatureBlock, "exact", counted)
    measure(FeatureComparison(query, gallery, "euclidean"), ids, Rules())
    settled = pairs[1:]  # after the true matches
    assert 0 < sum(settled) < 4000


def test_float32_alone_would_misorder_these() -> None:
    """The kind "alike" is one that tries the float64 path: its float32 values are all the same."""
    query, gallery, _ = case("alike", 1)
    single = query.astype(np.float32) @ gallery.astype(np.float32).T
    assert np.ptp(single.astype(np.float64), axis=1).max() < 1e-4
    assert np.ptp(exactly(query, gallery, "euclidean"), axis=1).min() > 0


def test_the_whole_of_an_identity_is_counted_across_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An identity larger than a part outranks by the share of all its images."""
    query, gallery = np.zeros((1, 1)), np.arange(1.0, 11.0)[:, None]
    pids = np.array([1] * 9 + [0])
    pids[4] = 0  # at 5 and 10; of the eight others of pid 1, four are closer than 5
    ids = ImageIds(np.array([0]), pids, np.array([1]), np.full(10, 2))
    monkeypatch.setattr(features, "PART_BYTES", 4 * 3)
    measured = measure(FeatureComparison(query, gallery, "euclidean"), ids, Rules("single-shot"))
    assert measured.rank1 == pytest.approx((1 / 2 + 0) / 2)


def test_nobody_to_find_is_an_error() -> None:
    query, gallery, ids = case("normal", 0)
    nobody = ImageIds(ids.query_pids + 100, ids.gallery_pids, ids.query_camids, ids.gallery_camids)
    for rule in ("multi-shot", "single-shot"):
        with pytest.raises(InputError, match="none of the 12 queries has a true match"):
            measure(FeatureComparison(query, gallery, "euclidean"), nobody, Rules(rule))


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_products_of_torch_give_the_same_bits(
    rules: Rules, metric: Metric, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the CPU, as on a GPU: all but the place of the products is the same."""
    for module in (passes, compiled_passes):
        monkeypatch.setattr(module, "MOST_SUMMED", 30)
    for kind in ("float32", "copies", "alike", "outlier"):
        query, gallery, ids = case(kind, 5)
        usual = measure(FeatureComparison(query, gallery, metric), ids, rules)
        with monkeypatch.context() as patched:
            patched.setattr(
                features, "products", lambda _, *made_of: products.DeviceProducts(*made_of, "cpu")
            )
            assert_same(measure(FeatureComparison(query, gallery, metric), ids, rules, 2), usual)


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:7", "CUDA", ""])
def test_a_device_that_is_not_here_is_refused_by_name(device: str) -> None:
    with pytest.raises(InputError, match="device"):
        products.checked_device(device)
