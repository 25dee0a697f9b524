"""Rules beyond the defaults: unknown cameras, separate cameras, trapezoid AP, ties; invariances."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossres.benchmark import Rules, evaluate, evaluate_features
from crossres.benchmark.metrics.measure import as_dict, measure
from crossres.benchmark.metrics.own_images import ImageIds
from crossres.benchmark.metrics.per_query import average_precision
from crossres.benchmark.metrics.rules import GALLERY_RULES
from crossres.datasets.base.errors import InputError
from tests.benchmark.metrics.known import known

# Six gallery images: pids and cameras; -1 is junk as a pid and unknown as a camid, 9 a distractor.
PIDS, CAMIDS = [1, 2, 1, -1, 9, 2], [1, 1, 2, 2, 2, -1]
# Four queries: (pid 1, camera 1), (pid 2, unknown camera), (pid 2, camera 1), (pid 5, camera 1).
QUERY_PIDS, QUERY_CAMIDS = [1, 2, 2, 5], [1, -1, 1, 1]
DISTANCES = [
    [0.0, 0.2, 0.3, 0.1, 0.4, 0.3],  # without rows 0 and 3: 2 (0.2), 1 (0.3), 2 (0.3), 9
    [0.5, 0.5, 0.2, 0.0, 0.1, 0.6],  # all but junk: 9 (0.1), 1 (0.2), 1 (0.5), 2 (0.5), 2 (0.6)
    [0.3, 0.0, 0.3, 0.0, 0.1, 0.3],  # without 1 and 3: 9 (0.1), 1 (0.3), 1 (0.3), 2 (0.3)
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],  # nobody is 5: no valid match
]


def run(gallery: Any = "multi-shot", queries: Any = slice(None), **rules: Any) -> dict[str, float]:
    matrix = np.array(DISTANCES)[queries]
    ids = ImageIds(
        np.array(QUERY_PIDS)[queries],
        np.array(PIDS),
        np.array(QUERY_CAMIDS)[queries],
        np.array(CAMIDS),
    )
    return as_dict(
        measure(
            known(matrix),
            ids,
            Rules(gallery, **rules),
        )
    )


def test_multi_shot_by_hand() -> None:
    # Query 0: match at 2. Query 1: matches at 4 and 5 (the unknown camera of gallery image 5 is not
    # its own unknown camera). Query 2: match at 4. Query 3: skipped.
    metrics = run()
    assert metrics["valid_queries"] == 3
    assert (metrics["rank1"], metrics["rank5"]) == (0.0, 1.0)
    assert metrics["mAP"] == pytest.approx((1 / 2 + (1 / 4 + 2 / 5) / 2 + 1 / 4) / 3)
    assert metrics["mINP"] == pytest.approx((1 / 2 + 2 / 5 + 1 / 4) / 3)


def test_trapezoid_by_hand() -> None:
    # Query 0: before 0/1, at 1/2. Query 1: before 0/3 and 1/4, at 1/4 and 2/5. Query 2: 0/3, 1/4.
    metrics = run(ap="trapezoid")
    assert metrics["mAP"] == pytest.approx((1 / 4 + (1 / 8 + 13 / 40) / 2 + 1 / 8) / 3)
    assert metrics["mINP"] == run()["mINP"]


def test_single_shot_by_hand() -> None:
    # Query 0 shows image 2 (0.3). Of pid 2, image 1 is closer and image 5 tied but later: chance
    # 1/2. 9 is further. Rank 1 or 2.
    # Query 1 shows image 1 (0.5): of pid 1, image 0 tied and earlier, 2 closer: 1; 9: 1. Rank 3.
    # Or image 5 (0.6): the same, rank 3. Query 2 shows image 5: pid 1 tied and earlier: rank 3.
    metrics = run("single-shot")
    assert metrics["rank1"] == pytest.approx((1 / 2 + 0 + 0) / 3)
    assert metrics["mAP"] == metrics["mINP"] == pytest.approx((3 / 4 + 1 / 3 + 1 / 3) / 3)
    # The trapezoid of one match is (1 / R + [R = 1]) / 2.
    assert run("single-shot", ap="trapezoid")["mAP"] == pytest.approx(
        ((3 / 4 + 1 / 2) / 2 + 1 / 6 + 1 / 6) / 3
    )


def test_ties_as_half_by_hand() -> None:
    # Query 0, image 2: of pid 2, image 1 closer (1), image 5 tied (1/2): chance 3/4.
    # Query 1, image 1: of pid 1, image 0 tied (1/2), image 2 closer: 3/4, and 9 surely: rank 2 with
    # 1/4, 3 with 3/4; image 5: rank 3. Query 2: pid 1 two ties: 1/2, and 9 surely: rank 2 or 3.
    metrics = run("single-shot", ties="half")
    assert metrics["rank1"] == pytest.approx(1 / 4 / 3)
    expected = [
        1 / 4 + 3 / 4 / 2,
        ((1 / 4 / 2 + 3 / 4 / 3) + 1 / 3) / 2,
        (1 / 2 + 1 / 3) / 2,
    ]
    assert metrics["mAP"] == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("camid", [5, np.iinfo(np.int64).min, np.iinfo(np.int64).max])
def test_an_unknown_camera_is_that_of_no_image_whatever_its_number(camid: int) -> None:
    metrics = evaluate(
        [[0.0]], [[1.0], [2.0]], [0], [1, 0], [-1], [camid, 3], rules=Rules(separate_cameras=True)
    )
    assert metrics["mAP"] == 1 / 2


def test_separate_cameras_by_hand() -> None:
    # Query 0 (camera 1) loses images 0 and 1: 1 (0.3), 2 (0.3, later), 9: rank 1. Query 1 has no
    # known camera and loses none. Query 2 loses 0 and 1: 9, 1 (0.3), 2 (0.3): rank 3.
    metrics = run(separate_cameras=True)
    assert metrics["mAP"] == pytest.approx((1 + (1 / 4 + 2 / 5) / 2 + 1 / 3) / 3)
    # Single-shot: query 0 sees 2 as image 5 only, tied and later: rank 1. Query 2 sees 1 as image 2
    # only: rank 3. Query 1 as before.
    single = run("single-shot", separate_cameras=True)
    assert single["mAP"] == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)


def test_an_identity_without_a_usable_image_is_not_in_the_gallery() -> None:
    # Pid 2 was seen by the query's camera only: with separate cameras nothing outranks pid 1.
    ids = ImageIds(np.array([1]), np.array([1, 2, 2]), np.array([1]), np.array([2, 1, 1]))
    matrix = np.array([[0.9, 0.1, 0.2]])
    for rule in GALLERY_RULES:
        metrics = measure(
            known(matrix),
            ids,
            Rules(rule, separate_cameras=True),
        )
        assert metrics.rank1 == 1.0


@pytest.mark.parametrize("rule", GALLERY_RULES)
def test_unknown_cameras_are_never_the_same(rule: Any) -> None:
    ids = ImageIds(np.array([1]), np.array([1, 2]), np.array([-1]), np.array([-1, -1]))
    matrix = np.array([[0.1, 0.2]])
    for rules in ({}, {"separate_cameras": True}):
        metrics = measure(known(matrix), ids, Rules(rule, **rules))
        assert (metrics.rank1, metrics.valid_queries) == (1.0, 1)


def market_trapezoid(hits: list[bool]) -> float:
    """The area under precision over recall, walked entry by entry, as written for Market-1501."""
    area, recall_before, precision_before, matches = 0.0, 0.0, 1.0, 0
    for length, hit in enumerate(hits, start=1):
        matches += hit
        recall, precision = matches / sum(hits), matches / length
        area += (recall - recall_before) * (precision_before + precision) / 2
        recall_before, precision_before = recall, precision
    return area


@settings(max_examples=300, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=40).filter(any))
def test_trapezoid_equals_an_independent_walk(hits: list[bool]) -> None:
    ranks = np.flatnonzero(hits) + 1
    assert average_precision(ranks, "trapezoid") == pytest.approx(market_trapezoid(hits))
    standard = np.mean([sum(hits[:rank]) / rank for rank in ranks])
    assert average_precision(ranks, "standard") == pytest.approx(standard)
    assert average_precision(ranks, "trapezoid") <= average_precision(ranks, "standard") + 1e-12


def random_case(seed: int, distinct: bool = True) -> tuple[np.ndarray, ImageIds]:
    rng = np.random.default_rng(seed)
    gallery = int(rng.integers(8, 30))
    ids = ImageIds(
        np.r_[1, rng.integers(1, 6, 7)],
        np.r_[1, rng.integers(-1, 7, gallery - 1)],
        np.r_[1, rng.choice([-1, 1, 2], 7)],
        np.r_[2, rng.choice([-1, 1, 2], gallery - 1)],
    )
    distances = rng.random((8, gallery))
    return distances if distinct else np.round(distances, 1), ids


def measured(matrix: Any, ids: ImageIds, rule: Any, **rules: Any) -> list[float]:
    metrics = measure(
        known(matrix),
        ids,
        Rules(rule, **rules),
    )
    return [*as_dict(metrics).values(), *metrics.cmc]


RULES: list[dict[str, Any]] = [{}, {"separate_cameras": True}, {"ap": "trapezoid"}]


@pytest.mark.parametrize("rule", GALLERY_RULES)
@pytest.mark.parametrize("rules", RULES)
def test_what_must_not_matter_does_not(rule: Any, rules: dict[str, Any]) -> None:
    for seed in range(30):
        matrix, ids = random_case(seed)
        rng = np.random.default_rng(1000 + seed)
        before = pytest.approx(measured(matrix, ids, rule, **rules), abs=1e-12)
        order = rng.permutation(matrix.shape[1])
        moved = ImageIds(
            ids.query_pids, ids.gallery_pids[order], ids.query_camids, ids.gallery_camids[order]
        )
        assert measured(matrix[:, order], moved, rule, **rules) == before
        assert measured(np.exp(5 * matrix) - 3, ids, rule, **rules) == before
        names = np.r_[rng.permutation(np.arange(100, 110)), -1]  # -1 stays junk, unknown
        renamed = ImageIds(*(names[a] for a in (ids.query_pids, ids.gallery_pids)), *_cameras(ids))
        assert measured(matrix, renamed, rule, **rules) == before
        junk = ImageIds(
            ids.query_pids,
            np.r_[ids.gallery_pids, -1, -1],
            ids.query_camids,
            np.r_[ids.gallery_camids, 1, -1],
        )
        wider = np.hstack([matrix, np.zeros((8, 2))])
        assert measured(wider, junk, rule, **rules) == before


def _cameras(ids: ImageIds) -> list[np.ndarray]:
    names = np.array([0, 77, 5, -1])
    return [names[ids.query_camids], names[ids.gallery_camids]]


def test_ties_as_half_ignore_the_order_of_the_gallery() -> None:
    for seed in range(30):
        matrix, ids = random_case(seed, distinct=False)
        order = np.random.default_rng(seed).permutation(matrix.shape[1])
        moved = ImageIds(
            ids.query_pids, ids.gallery_pids[order], ids.query_camids, ids.gallery_camids[order]
        )
        before = measured(matrix, ids, "single-shot", ties="half")
        after = measured(matrix[:, order], moved, "single-shot", ties="half")
        assert after == pytest.approx(before, abs=1e-12)


def test_single_shot_map_is_the_mean_reciprocal_rank() -> None:
    rng = np.random.default_rng(5)
    matrix = rng.random((40, 40))
    ids = ImageIds(np.arange(40), np.arange(40), np.zeros(40, int), np.ones(40, int))
    true = np.diag(matrix)[:, None]
    reciprocal = (1 / (1 + (matrix < true).sum(axis=1))).mean()
    for rule in GALLERY_RULES:
        metrics = as_dict(measure(known(matrix), ids, Rules(rule)))
        assert metrics["mAP"] == pytest.approx(reciprocal, abs=1e-12)
        assert metrics["mINP"] == pytest.approx(reciprocal, abs=1e-12)


def features() -> dict[str, Any]:
    return {
        "query_features": np.eye(3),
        "gallery_features": np.eye(3),
        "query_pids": np.arange(3),
        "gallery_pids": np.arange(3),
        "query_camids": np.zeros(3, int),
        "gallery_camids": np.ones(3, int),
    }


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"ap": "mean"}, "unknown ap 'mean'; known are standard, trapezoid"),
        ({"ties": "best"}, "unknown ties 'best'"),
        ({"ties": "half"}, "single-shot only"),
        ({"separate_cameras": True, "same_camera": "keep"}, "separate_cameras needs"),
        ({"gallery": "shared", "repetitions": 0}, "at least 1"),
    ],
)
def test_rules_that_make_no_sense_are_one_line(rules: Any, message: str, tmp_path: Any) -> None:
    with pytest.raises(InputError, match=message) as caught:
        evaluate(**features(), rules=Rules(**rules))
    assert str(caught.value).startswith("evaluate: ")
    np.savez(tmp_path / "f.npz", **features())
    with pytest.raises(InputError, match=message) as caught:
        evaluate_features(tmp_path / "f.npz", rules=Rules(**rules))
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("f.npz") == 1


def test_the_command_line_takes_every_rule(tmp_path: Any, capsys: Any) -> None:
    from crossres import main

    np.savez(tmp_path / "f.npz", **features())
    words = ["--separate-cameras", "--ap", "trapezoid", "--gallery", "shared"]
    assert main(["evaluate", str(tmp_path / "f.npz"), *words, "--repetitions", "3"]) == 0
    text = re.sub(r"\n {2,}", " ", capsys.readouterr().out)  # what goes on in another line
    lines = dict(line.split(None, 1) for line in text.splitlines())
    assert (lines["repetitions"], lines["rank1"].split("  ")[0]) == ("3", "100.00 %")
    assert "gallery shared, same_camera drop, separate_cameras true, ap trapezoid" in lines["rules"]
    words = ["--gallery", "single-shot", "--ties", "half"]
    assert main(["evaluate", str(tmp_path / "f.npz"), *words]) == 0
    assert main(["evaluate", str(tmp_path / "f.npz"), "--ties", "half"]) == 2
