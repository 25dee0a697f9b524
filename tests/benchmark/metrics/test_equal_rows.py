"""Queries that stand in the gallery, and features that say nothing: counted, said, left out."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crossres.benchmark import Rules, evaluate, evaluate_features
from crossres.benchmark.metrics.equal_rows import EqualRows, self_matched, with_images
from crossres.benchmark.metrics.own_images import ImageIds
from crossres.datasets.base.errors import InputError

RNG = np.random.default_rng(3)
PEOPLE, WIDTH = 12, 6
PIDS = np.repeat(np.arange(PEOPLE), 3)
F = (RNG.normal(size=(PEOPLE, WIDTH))[PIDS] + RNG.normal(size=(len(PIDS), WIDTH))).astype("f4")


def leave_one_out(features: NDArray[Any], pids: NDArray[Any]) -> tuple[float, float]:
    """rank-1 and mAP in plain NumPy, each query ranked against all images but itself."""
    distances = np.linalg.norm(features[:, None].astype(float) - features[None], axis=2)
    first, precision = [], []
    for query, row in enumerate(distances):
        order = [g for g in np.argsort(row, kind="stable") if g != query]
        ranks = np.flatnonzero(pids[order] == pids[query]) + 1
        first.append(ranks[0] == 1)
        precision.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
    return float(np.mean(first)), float(np.mean(precision))


def quietly(
    *arguments: Any, metric: Any = "euclidean", **rules: Any
) -> tuple[dict[str, float], list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        metrics = evaluate(*arguments, metric=metric, rules=Rules(**rules))
    return metrics, [str(warning.message) for warning in caught]


def counts(metrics: dict[str, float]) -> tuple[float, float]:
    return metrics["self_matches_dropped"], metrics["self_matches_kept"]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_without_cameras_a_query_does_not_find_itself(metric: Any) -> None:
    features = F / np.linalg.norm(F, axis=1, keepdims=True) if metric == "cosine" else F
    measured, notes = quietly(features, features, PIDS, PIDS, same_camera="keep", metric=metric)
    assert (measured["rank1"], measured["mAP"]) == pytest.approx(
        leave_one_out(features, PIDS), abs=1e-12
    )
    assert counts(measured) == (len(PIDS), 0)
    assert len(notes) == 1
    assert "36 of 36 queries stand in the gallery themselves" in notes[0]


def test_whoever_wants_them_in_gets_them_and_is_told() -> None:
    measured, notes = quietly(F, F, PIDS, PIDS, same_camera="keep", self_matches="keep")
    assert measured["rank1"] == 1.0
    assert counts(measured) == (0, len(PIDS))
    assert "find themselves; self-matches 'drop' leaves them out" in notes[0]


def test_cameras_drop_a_query_s_own_image_unless_it_is_of_another_one() -> None:
    cams = np.arange(len(PIDS)) % 3
    measured, notes = quietly(F, F, PIDS, PIDS, cams, cams)
    assert counts(measured) == (0, 0)
    assert notes == []
    expected = leave_one_out(F, PIDS)
    assert (measured["rank1"], measured["mAP"]) == pytest.approx(expected, abs=1e-12)
    # The same image once more, of another camera.
    twice = (np.vstack([F, F[:2]]), np.r_[PIDS, PIDS[:2]], np.r_[cams, cams[:2] + 1])
    more, notes = quietly(F, twice[0], PIDS, twice[1], cams, twice[2])
    assert counts(more) == (0, 2)
    assert "2 of 36 queries" in notes[0]
    less, _ = quietly(F, twice[0], PIDS, twice[1], cams, twice[2], self_matches="drop")
    assert counts(less) == (2, 0)
    # Exactly what is left when these two rows are taken out for those two queries alone; others
    # see them, so only the two queries' own numbers can be compared.
    dropped, _ = quietly(
        F[:2], twice[0], PIDS[:2], twice[1], cams[:2], twice[2], self_matches="drop"
    )
    out, _ = quietly(F[:1], np.delete(twice[0], [0, 36], 0), PIDS[:1], np.delete(twice[1], [0, 36]),
                     cams[:1], np.delete(twice[2], [0, 36]))  # fmt: skip
    first, _ = quietly(F[:1], twice[0], PIDS[:1], twice[1], cams[:1], twice[2], self_matches="drop")
    assert out["mAP"] == first["mAP"]
    assert dropped["valid_queries"] == 2


def test_an_unknown_camera_drops_nothing_so_the_image_itself_is_dropped() -> None:
    unknown = np.full(len(PIDS), -1)
    measured, _ = quietly(F, F, PIDS, PIDS, unknown, unknown)
    assert (measured["rank1"], measured["mAP"]) == pytest.approx(leave_one_out(F, PIDS), abs=1e-12)
    assert counts(measured) == (len(PIDS), 0)


@pytest.mark.parametrize("gallery", ["single-shot", "shared"])
def test_the_other_gallery_rules_leave_them_out_too(gallery: Any) -> None:
    """One further image each, and oneself: with oneself left out both rules have one draw."""
    pids, rows = np.repeat(np.arange(8), 2), F[:16]
    measured, _ = quietly(
        rows, rows, pids, pids, same_camera="keep", gallery=gallery, repetitions=40
    )
    assert counts(measured) == (16, 0)
    assert measured["valid_queries"] == 16
    single, _ = quietly(rows, rows, pids, pids, same_camera="keep", gallery="single-shot")
    assert measured["rank1"] == pytest.approx(single["rank1"], abs=0.15)
    assert single["rank1"] < 1.0


def test_all_equal_features_are_said_and_nothing_is_taken_for_the_same_image() -> None:
    constant = np.ones((6, 3))
    pids = np.arange(6) // 2
    measured, notes = quietly(constant, constant, pids, pids, same_camera="keep")
    assert counts(measured) == (0, 0)
    assert notes == [
        "evaluate: all 6 gallery feature rows are equal: nothing but the order of the gallery "
        "decides"
    ]
    assert measured["valid_queries"] == 6


def test_rows_of_several_people_that_are_equal_are_said() -> None:
    rows = F.copy()
    rows[[0, 5, 9]] = 0.0
    query = F[:3] + 1
    cams = np.zeros(3, int), np.ones(len(rows), int)
    _, notes = quietly(query, rows, PIDS[:3], PIDS, *cams, metric="cosine")
    assert notes == [
        "evaluate: 3 of 39 feature rows are equal to one of another pid",
        "evaluate: 3 feature rows are zero: a cosine of 0 with all others is taken for them",
    ]


def test_queries_with_no_match_but_themselves_are_one_line() -> None:
    with pytest.raises(InputError, match="none of the 2 queries has a true match"):
        evaluate(np.eye(2), np.eye(2), [1, 2], [1, 2], rules=Rules(same_camera="keep"))


def test_equal_rows_are_those_of_equal_values_whatever_their_type() -> None:
    rows = EqualRows.of(np.array([[-0.0, 1.0], [2.0, 3.0]]), np.array([[0, 1], [5, 5], [0, 1]]))
    assert rows.gallery.tolist() == [0, 1, 0]
    assert rows.query.tolist() == [0, 2]
    assert rows.firsts.tolist() == [0, 1]


@st.composite
def some_images(draw: st.DrawFn) -> tuple[EqualRows, ImageIds]:
    """Few rows, people and cameras, so that much is equal; junk and unknown cameras, too."""
    count = st.integers(1, 7)
    queries, images = draw(count), draw(count)

    def column(least: int, most: int, length: int) -> NDArray[np.int64]:
        entry = st.integers(least, most)
        return np.array(draw(st.lists(entry, min_size=length, max_size=length)), np.int64)

    rows = EqualRows.of(column(0, 3, queries)[:, None], column(0, 3, images)[:, None])
    ids = ImageIds(*(column(-1, 1, length) for length in (queries, images) * 2))
    return rows, ids


@settings(max_examples=500, deadline=None)
@given(images=some_images(), same_camera=st.sampled_from(["drop", "keep"]))
def test_images_and_matches_against_comparing_each_with_each(
    images: tuple[EqualRows, ImageIds], same_camera: Any
) -> None:
    rows, ids = images
    query = list(zip(rows.query.tolist(), ids.query_pids.tolist(), strict=True))
    gallery = list(zip(rows.gallery.tolist(), ids.gallery_pids.tolist(), strict=True))
    assert rows.firsts.tolist() == [rows.gallery.tolist().index(n) for n in range(rows.firsts.size)]
    numbered = with_images(ids, rows)
    matched = self_matched(numbered, Rules(same_camera=same_camera)).tolist()
    if len(gallery) > 1 and len({row for row, _ in gallery}) == 1:
        assert numbered is ids
        assert not any(matched)
        assert "gallery feature rows are equal" in rows.faults(ids)[0]
        return
    assert numbered.query_images is not None
    assert numbered.gallery_images is not None
    order = sorted({*query, *gallery})
    assert numbered.query_images.tolist() == [order.index(image) for image in query]
    assert numbered.gallery_images.tolist() == [order.index(image) for image in gallery]
    expected = []
    for image, camid in zip(query, ids.query_camids.tolist(), strict=True):
        others = [
            other
            for other, camera in zip(gallery, ids.gallery_camids.tolist(), strict=True)
            if same_camera == "keep" or camid == -1 or camera != camid
        ]
        expected.append(image[1] != -1 and image in others)
    assert matched == expected
    known = [(row, pid) for row, pid in query + gallery if pid != -1]
    shared = sum(any(a == row and b != pid for a, b in known) for row, pid in known)
    words = f"{shared} of {len(known)} feature rows are equal to one of another pid"
    assert rows.faults(ids) == ([words] if shared else [])


def test_rows_of_zeros_are_counted_in_queries_and_gallery() -> None:
    rows = np.array([[0.0, -0.0], [1.0, 0.0], [0.0, 0.0]])
    assert EqualRows.of(rows, rows[:2]).zeros == 3
    assert EqualRows.of(rows[1:2], rows[1:2] * 1e-300).zeros == 0
    assert EqualRows.of(rows[:0], rows.astype(np.float16)).zeros == 2


def test_the_command_line_says_it_and_takes_the_option(tmp_path: Any, capsys: Any) -> None:
    from crossres import main

    path = tmp_path / "f.npz"
    np.savez(path, query_features=F, gallery_features=F, query_pids=PIDS, gallery_pids=PIDS)
    assert main(["evaluate", str(path), "--same-camera", "keep"]) == 0
    output = capsys.readouterr()
    assert "self_matches_dropped 36" in output.out
    assert "note: 36 of 36 queries stand in the gallery themselves" in output.err
    words = ["--same-camera", "keep", "--self-matches", "keep", "--json"]
    assert main(["evaluate", str(path), *words]) == 0
    assert '"notes": [\n  "36 of 36' in capsys.readouterr().out
    evaluation = evaluate_features(path, rules=Rules(same_camera="keep", self_matches="keep"))
    assert evaluation.metrics["rank1"] == 1.0
