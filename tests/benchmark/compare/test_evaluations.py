"""Two sets of features against each other: the same images, and by how much metrics differ."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crossres
from crossres.benchmark import Rules, compare_features, evaluate_features
from crossres.benchmark.compare.evaluations import ALL, FLIPS
from crossres.benchmark.stats.query_difference import query_difference
from crossres.datasets.base.errors import InputError

Arrays = dict[str, Any]


def arrays(noise: float, seed: int = 0) -> Arrays:
    rng, images = np.random.default_rng(seed), np.random.default_rng(9)
    pids, people = np.r_[np.arange(80) % 15, -1, -1, 40], images.normal(size=(50, 6))
    query_pids = np.r_[np.arange(43) % 15, 41, 42]
    return {
        "query_features": people[query_pids] + noise * rng.normal(size=(45, 6)),
        "gallery_features": people[pids] + noise * rng.normal(size=(83, 6)),
        "query_pids": query_pids,
        "gallery_pids": pids,
        "query_camids": np.arange(45) % 3,
        "gallery_camids": np.arange(83) % 4,
        "query_rates": np.arange(45) % 4,
        "query_paths": np.array([f"/a/query/{row:03}.png" for row in range(45)]),
        "gallery_paths": np.array([f"/a/gallery/{row:03}.png" for row in range(83)]),
    }


A, B = arrays(1.2), arrays(0.9, seed=1)


def shuffled(content: Arrays, seed: int = 3) -> Arrays:
    """The same images in another order, in another folder."""
    rng, order = np.random.default_rng(seed), dict[str, Any]()
    for side, count in (("query", 45), ("gallery", 83)):
        order[side] = rng.permutation(count)
    moved = {name: array[order[name.partition("_")[0]]] for name, array in content.items()}
    return moved | {n: np.strings.replace(moved[n], "/a/", "b\\c/") for n in moved if "paths" in n}


def right(content: Arrays) -> list[bool | None]:
    """Whether each query finds its pid first, None for one that nobody matches: by hand."""
    found: list[bool | None] = []
    for feature, pid, camid in zip(
        content["query_features"], content["query_pids"], content["query_camids"], strict=True
    ):
        distances = np.linalg.norm(content["gallery_features"] - feature, axis=1)
        own = content["gallery_pids"] == pid
        seen = (content["gallery_pids"] != -1) & ~(own & (content["gallery_camids"] == camid))
        has_match = bool((seen & own).any())
        nearest = int(np.flatnonzero(seen)[distances[seen].argmin()])
        found.append(bool(own[nearest]) if has_match else None)
    return found


@pytest.fixture(scope="module")
def pair() -> Any:
    return compare_features(A, B)


def test_flips_are_those_counted_by_hand(pair: Any) -> None:
    words = {
        (True, True): "both_right",
        (False, True): "rescued",
        (True, False): "broken",
        (False, False): "never_right",
    }
    a, b = right(A), right(B)
    assert None in a
    flips = [None if x is None or y is None else words[x, y] for x, y in zip(a, b, strict=True)]
    assert pair.columns()["flip"] == flips
    assert pair.flips[ALL] == {flip: flips.count(flip) for flip in FLIPS}
    assert min(pair.flips[ALL].values()) > 0
    for rate in (1, 2, 3):
        some = [flip for flip, r in zip(flips, A["query_rates"], strict=True) if r == rate]
        assert pair.flips[f"@{rate}"] == {flip: some.count(flip) for flip in FLIPS}
    for camid in range(3):
        some = [flip for flip, c in zip(flips, A["query_camids"], strict=True) if c == camid]
        assert pair.flips[f"@camid={camid}"] == {flip: some.count(flip) for flip in FLIPS}


def test_differences_are_those_of_the_two_evaluations(pair: Any) -> None:
    one, two = evaluate_features(A), evaluate_features(B)
    assert (pair.a.as_dict(), pair.b.as_dict()) == (one.as_dict(), two.as_dict())
    for name in ("rank1", "mAP", "mINP"):
        gap = pair.differences[name]
        assert (gap.a, gap.b) == pytest.approx((one.metrics[name], two.metrics[name]))
        assert gap.difference == pytest.approx(two.metrics[name] - one.metrics[name])
        assert gap.queries == one.metrics["valid_queries"] == 43
    for name in ("rank1@2", "mAP@camid=1"):
        assert pair.differences[name].a == pytest.approx(one.by_group[name])
        assert pair.differences[name].b == pytest.approx(two.by_group[name])
    columns = pair.columns()
    scores = [np.array(columns[name][:43]) for name in ("AP", "b_AP")]
    assert pair.differences["mAP"] == query_difference(A["query_pids"][:43], *scores)


def test_images_are_matched_by_their_names(pair: Any) -> None:
    moved = compare_features(A, shuffled(B))
    assert moved.matched_by == {"query": "path", "gallery": "path"}
    assert moved.columns() == pair.columns()
    assert moved.as_dict() == pair.as_dict()
    assert moved.rows.tolist() != list(range(45))


def test_names_that_occur_in_several_folders_are_whole_paths() -> None:
    def by_folder(content: Arrays) -> Arrays:
        paths = [f"{p}/{r}.png" for r, p in enumerate(content["query_pids"])]
        paths[0], paths[1] = "0/first.png", "1/first.png"
        return content | {"query_paths": np.array(paths)}

    assert compare_features(by_folder(A), by_folder(B)).rows.tolist() == list(range(45))


def test_without_names_they_are_matched_by_order(pair: Any) -> None:
    nameless = {name: array for name, array in B.items() if "paths" not in name}
    by_order = compare_features(A, nameless)
    assert by_order.matched_by == {"query": "order", "gallery": "order"}
    assert by_order.differences == pair.differences


def test_single_shot_is_right_more_often_than_not() -> None:
    pair = compare_features(A, B, rules=Rules("single-shot"))
    columns = pair.columns()
    for before, after, flip in zip(
        columns["rank1"], columns["b_rank1"], columns["flip"], strict=True
    ):
        if flip is not None:
            assert (before > 0.5, after > 0.5) == {
                "both_right": (True, True),
                "rescued": (False, True),
                "broken": (True, False),
                "never_right": (False, False),
            }[flip]
        else:
            assert before is None


def test_a_query_that_is_valid_in_one_of_them_alone_does_not_count() -> None:
    """Its only true match is a copy of itself, in A."""
    a, b = ({n: v.copy() for n, v in c.items()} for c in (A, B))
    for content in (a, b):
        content["query_camids"][0] = -1
        content["gallery_pids"][content["gallery_pids"] == 0] = 14
        content["gallery_pids"][0] = 0
    a["query_features"][0] = a["gallery_features"][0]
    pair = compare_features(a, b)
    assert not pair.a.per_query.valid[0]
    assert pair.b.per_query.valid[0]
    assert pair.columns()["flip"][0] is None
    assert sum(pair.flips[ALL].values()) == pair.differences["mAP"].queries
    assert pair.differences["mAP"].queries == pair.a.metrics["valid_queries"]


def test_files_of_other_formats_and_progress(pair: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **A)
    (tmp_path / "b").mkdir()
    for name, array in B.items():
        np.save(tmp_path / "b" / f"{name}.npy", array)
    seen: list[tuple[int, int]] = []
    files = crossres.compare_features(
        tmp_path / "a.npz", str(tmp_path / "b"), progress=lambda n, of: seen.append((n, of))
    )
    assert isinstance(files, crossres.EvaluationPair)
    assert files.as_dict() == pair.as_dict()
    assert seen[0] == (0, 90)
    assert seen[-1] == (90, 90)
    assert seen == sorted(seen)


def less(content: Arrays, side: str, rows: int) -> Arrays:
    return {n: a[:rows] if n.startswith(side) else a for n, a in content.items()}


def nameless(content: Arrays) -> Arrays:
    return {name: array for name, array in content.items() if "paths" not in name}


def changed(content: Arrays, name: str, row: int, value: Any) -> Arrays:
    array = content[name].copy()
    array[row] = value
    return content | {name: array}


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (A, less(nameless(B), "query", 44), "45 queries in A and 44 in B; give features of the"),
        (A, less(nameless(B), "gallery", 80), "83 gallery images in A and 80 in B"),
        (A, less(B, "query", 44), "044.png is one of the queries of A, not of B"),
        (less(A, "gallery", 80), B, "080.png is one of the gallery images of B, not of A"),
        (A, changed(B, "query_paths", 7, "x/new.png"), "007.png is one of the queries of A, not"),
        (A, changed(B, "query_paths", 7, "/a/query/008.png"), "query_paths of B have /a/query/008"),
        (
            A,
            changed(B, "query_pids", 7, 99),
            "query_pids differ in 1 of 45 rows, first for /a/query/007.png: 7 in A, 99 in B; give",
        ),
        (
            A,
            changed(nameless(B), "gallery_camids", 5, 9),
            "gallery_camids differ in 1 of 83 rows, first for row 5: 1 in A, 9 in B; give both",
        ),
        (
            A,
            B | {f"{s}_pids": B[f"{s}_pids"].astype(str) for s in ("query", "gallery")},
            "query_pids are texts in one and numbers in the other; save both alike",
        ),
        (A, {n: v for n, v in B.items() if n != "query_camids"}, "query_camids is missing; with"),
        (A | {"query_paths": np.arange(45)}, B, ""),
    ],
)
def test_images_that_do_not_correspond(a: Arrays, b: Arrays, words: str) -> None:
    with pytest.raises(InputError) as caught:
        compare_features(a, b)
    if words:
        assert str(caught.value).startswith(f"features (A), against (B): {words}")
    else:
        assert "query_paths must be texts" in str(caught.value)


def test_cameras_that_no_rule_looks_at_may_differ() -> None:
    other = changed(B, "gallery_camids", 5, 9)
    pair = compare_features(A, other, rules=Rules(same_camera="keep"))
    assert "rank1" in pair.differences
    assert not any("camid" in name for name in pair.differences)
