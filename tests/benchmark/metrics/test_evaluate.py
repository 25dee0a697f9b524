"""FEATURES.npz and arrays from elsewhere: right numbers, and one clear line for bad files."""

import contextlib
import io
import itertools
import os
import pickle
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossres.benchmark import Rules, evaluate, evaluate_features
from crossres.benchmark.feature_files import stored
from crossres.benchmark.metrics import evaluate as features
from crossres.benchmark.metrics.evaluate import feature_distances
from crossres.datasets.base.errors import InputError
from crossres.methods.interface.distances import euclidean

KEYS = {"rank1", "rank5", "rank10", "rank20", "mAP", "mINP", "valid_queries"}
KEYS |= {"self_matches_dropped", "self_matches_kept"}


def arrays(**changes: Any) -> dict[str, Any]:
    """Eight people in two cameras; the gallery is the queries with a little noise, and junk."""
    rng = np.random.default_rng(0)
    query = rng.normal(size=(8, 5))
    content = {
        "query_features": query.astype(np.float32),
        "gallery_features": np.vstack([query + 0.01, query[:1]]).astype(np.float32),
        "query_pids": np.arange(8),
        "gallery_pids": np.r_[np.arange(8), -1],
        "query_camids": np.zeros(8, dtype=np.int32),
        "gallery_camids": np.ones(9, dtype=np.int32),
    }
    content.update(changes)
    return {name: value for name, value in content.items() if value is not None}


def saved(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "features.npz"
    np.savez(path, **arrays(**changes))
    return path


def test_a_file_and_arrays_give_the_same(tmp_path: Path) -> None:
    from_file = evaluate_features(saved(tmp_path)).metrics
    assert set(from_file) == KEYS
    assert from_file == evaluate(**arrays())
    assert from_file["rank1"] == from_file["mAP"] == 1.0
    assert from_file["valid_queries"] == 8


def test_gallery_rules_and_metrics_are_passed_on() -> None:
    rng = np.random.default_rng(1)
    content = arrays(gallery_features=rng.normal(size=(9, 5)), gallery_pids=np.arange(9) // 2)
    multi = evaluate(**content)
    single = evaluate(**content, rules=Rules("single-shot"))
    cosine = evaluate(**content, metric="cosine")
    assert multi != single
    assert multi != cosine
    assert multi["valid_queries"] == 5


@pytest.mark.parametrize("chunk", [1, 10**9])
def test_distances_against_plain_numpy(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "CHUNK_BYTES", chunk)
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(6, 9)), rng.normal(size=(11, 9))
    differences = left[:, None, :] - right[None, :, :]
    distances = feature_distances(left, right)(1, 4)
    assert distances == pytest.approx(np.linalg.norm(differences, axis=2)[1:4])
    norms = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)
    distances = feature_distances(left, right, "cosine")(0, 6)
    assert distances == pytest.approx(1 - left @ right.T / norms)


def test_equal_features_tie_to_the_last_bit() -> None:
    rng = np.random.default_rng(3)
    gallery = rng.normal(size=(1001, 77)).astype(np.float32)
    gallery[1000] = gallery[500] = gallery[3]
    for metric in ("euclidean", "cosine"):
        distances = feature_distances(rng.normal(size=(50, 77)), gallery, metric)(0, 50)  # type: ignore[arg-type]
        assert (distances[:, 3] == distances[:, 500]).all()
        assert (distances[:, 3] == distances[:, 1000]).all()


def test_cosine_of_zero_tiny_and_huge_vectors() -> None:
    vectors = np.array([[0.0, 0.0], [1e-200, 1e-200], [1e200, 0.0]])
    distances = feature_distances(vectors, vectors, "cosine")(0, 3)
    half = 1 - np.sqrt(0.5)
    assert distances == pytest.approx(np.array([[1, 1, 1], [1, 0, half], [1, half, 0]]), abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"query_camids": None}, "query_camids is missing; without cameras use"),
        ({"gallery_pids": None}, "gallery_pids is missing"),
        ({"query_features": np.full((8, 5), np.nan)}, "query_features holds NaN or infinity in 8"),
        ({"gallery_features": np.full((9, 5), np.inf)}, "gallery_features holds NaN or infinity"),
        ({"query_features": np.zeros((8, 6))}, "query_features are 6 wide and gallery_features 5"),
        ({"query_pids": np.arange(7)}, "query_pids must have one entry for each of the 8"),
        ({"query_pids": np.arange(8.0) + 0.5}, "query_pids: not all of these float64 are whole"),
        ({"query_pids": np.full(8, 2.0**60)}, "query_pids: not all of these float64 are whole"),
        ({"query_pids": np.full(8, 2**24, "f4")}, "query_pids: not all of these float32 are"),
        ({"query_pids": np.full(8, 2**64 - 1, np.uint64)}, "query_pids: 18446744073709551615 is"),
        ({"query_pids": np.full(8, "0001")}, "query_pids are texts and gallery_pids are not"),
        ({"query_pids": np.full(8, True)}, "query_pids: must be integers, not truth values"),
        ({"gallery_camids": np.ones((3, 3), int)}, "gallery_camids: must be (images,), not of"),
        ({"query_features": np.full((8, 5), 1e200)}, "query_features are of size 1e+200, whose"),
        ({"query_features": np.full((8, 5), 1e-170)}, "query_features are of size 1e-170, whose"),
        ({"query_features": np.zeros((0, 5))}, "query_features is empty"),
        ({"query_features": np.zeros(8)}, "query_features must be (images, width)"),
        ({"query_features": np.array([["a"]])}, "query_features must be floating point"),
        ({"query_pids": np.arange(8) + 100}, "none of the 8 queries has a true match"),
        (
            {"query_pids": np.array([object()] * 8)},
            "array query_pids holds Python objects, which are",
        ),
    ],
)
def test_each_bad_file_gets_one_line(tmp_path: Path, changes: Any, words: str) -> None:
    path = saved(tmp_path, **changes)
    with pytest.raises(InputError) as caught:
        evaluate_features(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_npz(tmp_path: Path) -> None:
    path = tmp_path / "features.npz"
    with pytest.raises(InputError, match="no such file"):
        evaluate_features(path)
    intact = saved(tmp_path).read_bytes()
    for content in (b"PK\x03\x04", intact[: len(intact) // 2]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"not readable as an \.npz"):
            evaluate_features(path)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"are missing .*; the folder holds no array"):
        evaluate_features(tmp_path / "none")


@settings(max_examples=300, deadline=None)
@given(
    position=st.floats(0, 1, exclude_max=True),
    bits=st.integers(1, 255),
    compressed=st.booleans(),
    mapped=st.booleans(),
)
def test_a_damaged_byte_is_never_a_traceback(
    position: float, bits: int, compressed: bool, mapped: bool
) -> None:
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays())
    content = bytearray(buffer.getvalue())
    content[int(position * len(content))] ^= bits
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        if mapped:
            patch.setattr(stored, "MAPPED_BYTES", 0)
        path = Path(folder) / "features.npz"
        path.write_bytes(bytes(content))
        # Anything but a result or an InputError fails the test.
        with contextlib.suppress(InputError):
            assert evaluate_features(path).metrics["valid_queries"] <= 8


class Trap:
    """Leaves a trace when somebody unpickles it."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["TRAP"],)


def test_nothing_is_ever_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    path = tmp_path / "features.npz"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError):
        evaluate_features(path)
    np.savez(path, **arrays(query_pids=np.array([Trap()] * 8, dtype=object)))
    with pytest.raises(InputError, match="query_pids"):
        evaluate_features(path)
    assert not (tmp_path / "sprung").exists()


def test_cameras_are_not_needed_where_they_are_kept() -> None:
    content = arrays(query_camids=None, gallery_camids=None)
    assert evaluate(**content, rules=Rules(same_camera="keep"))["rank1"] == 1.0
    with pytest.raises(InputError, match="unknown same_camera 'maybe'; known are drop, keep"):
        evaluate(**content, rules=Rules(same_camera="maybe"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"rules must be a crossres\.Rules, not str"):
        evaluate(**content, rules="keep")  # type: ignore[arg-type]


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8])
@pytest.mark.parametrize("method", [False, True])
def test_distances_do_not_know_where_zero_is(offset: float, method: bool) -> None:
    """Against differences, which lose nothing; each feature itself is rounded at 1e8."""
    rng = np.random.default_rng(5)
    query, gallery = rng.normal(size=(7, 33)) + offset, rng.normal(size=(19, 33)) + offset
    expected = np.linalg.norm(query[:, None] - gallery[None], axis=2)
    distances = euclidean(query, gallery) if method else feature_distances(query, gallery)(0, 7)
    assert distances == pytest.approx(expected, rel=1e-12)


def test_neither_does_an_outlier_nor_a_second_cloud_cost_digits() -> None:
    rng = np.random.default_rng(6)
    cloud = rng.normal(size=(20, 5))
    gallery = np.vstack([cloud + 1e8, cloud - 1e8, np.full((1, 5), 1e12)])
    query = gallery[:40] + rng.normal(size=(40, 5))
    expected = np.linalg.norm(query[:, None] - gallery[None], axis=2)
    # At 1e8 a number is rounded to 1.5e-8, in the features themselves and once more here.
    assert feature_distances(query, gallery)(0, 40) == pytest.approx(expected, rel=1e-9, abs=1e-7)


def test_cosines_of_nearly_parallel_vectors() -> None:
    """Against the sine of half the angle between them, from exact rational arithmetic."""
    rng = np.random.default_rng(7)
    query, gallery = rng.normal(size=(4, 6)) + 1e6, rng.normal(size=(9, 6)) + 1e6
    expected = np.array([[_one_less_cosine(q, g) for g in gallery] for q in query])
    assert feature_distances(query, gallery, "cosine")(0, 4) == pytest.approx(expected, rel=1e-6)


def _one_less_cosine(left: Any, right: Any) -> float:
    """1 - cos = sin^2 / (1 + cos), sin^2 by Lagrange's identity, in fractions."""
    a, b = ([Fraction(float(value)) for value in row] for row in (left, right))
    lengths = sum(x * x for x in a) * sum(y * y for y in b)
    pairs = itertools.combinations(range(len(a)), 2)
    sine = float(sum((a[i] * b[j] - a[j] * b[i]) ** 2 for i, j in pairs) / lengths)
    return sine / (1 + float(np.sqrt(1 - sine)))


def test_an_offset_changes_no_metric() -> None:
    rng = np.random.default_rng(8)
    pids = np.arange(30)
    query, gallery = rng.normal(size=(30, 16)), rng.normal(size=(90, 16))
    ids = pids, np.repeat(pids, 3), np.zeros(30, int), np.ones(90, int)
    query += gallery[::3]
    plain = evaluate(query, gallery, *ids)
    assert 0 < plain["rank1"] < 1
    for offset in (-3e6, 1e7, 1e8):
        assert evaluate(query + offset, gallery + offset, *ids) == plain


def test_cameras_that_may_be_numbered_in_two_ways_are_noted(tmp_path: Path) -> None:
    cameras = np.arange(8) % 3
    shifted = {"query_camids": cameras + 1, "gallery_camids": np.r_[cameras, 0]}
    note = "camera 3 is of queries alone, and camera 0 of the gallery alone"
    (noted,) = evaluate_features(saved(tmp_path, **shifted)).notes
    assert noted.startswith(note)
    named = {name: np.char.add("c", camids.astype(str)) for name, camids in shifted.items()}
    (noted,) = evaluate_features(saved(tmp_path, **named)).notes
    assert noted.startswith(note.replace("camera ", "camera c"))
    alike = {"query_camids": cameras, "gallery_camids": np.r_[(cameras + 1) % 3, 5]}
    assert evaluate_features(saved(tmp_path, **alike)).notes == ()
    rules = Rules(same_camera="keep")
    assert evaluate_features(saved(tmp_path, **shifted), rules=rules).notes == ()
