"""Numbers for layouts with little room: whatever is renumbered, no metric can tell."""

import itertools

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossres.datasets.base.errors import InputError
from crossres.datasets.exports.renumber import (
    LAST_CAMERA,
    camera_numbers,
    pid_numbers,
    same_camera_counts,
)

Row = tuple[int, int, str]

rows = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.one_of(st.just(-1), st.integers(0, 12)),
        st.sampled_from(["query", "gallery"]),
    ),
    min_size=1,
    max_size=40,
)


def table(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["pid", "camid", "split"])


@given(rows)
def test_the_same_camera_rule_drops_the_same_images(rows: list[Row]) -> None:
    try:
        numbers, _ = camera_numbers(table(rows))
    except InputError:
        per_pid: dict[int, set[tuple[int, str]]] = {}
        queried: dict[int, set[int]] = {}
        for pid, camid, split in rows:
            per_pid.setdefault(pid, set()).add((camid, split if camid == -1 else ""))
            if split == "query":
                queried.setdefault(pid, set()).add(camid)
        full = [pid for pid, cameras in queried.items() if len(cameras) >= LAST_CAMERA]
        assert any(len(per_pid[pid]) > LAST_CAMERA for pid in full)
        return
    assert all(1 <= number <= LAST_CAMERA for number in numbers)
    numbered = list(zip(rows, numbers, strict=True))
    for (q, q_number), (g, g_number) in itertools.product(numbered, numbered):
        if q[2] == "query" and g[2] == "gallery" and q[0] == g[0]:
            assert (q_number == g_number) == (q[1] == g[1] != -1)


@given(rows)
def test_whether_that_rule_counts(rows: list[Row]) -> None:
    expected = any(
        q[:2] == g[:2] and q[1] != -1 and q[2] == "query" and g[2] == "gallery"
        for q, g in itertools.product(rows, rows)
    )
    assert same_camera_counts(table(rows)) == expected


@pytest.mark.parametrize("split", ["train", "query", "gallery"])
@given(pids=st.sets(st.one_of(st.just(0), st.integers(-1, 3000)), min_size=1, max_size=50))
def test_identities_stay_apart_and_in_their_order(split: str, pids: set[int]) -> None:
    numbers, note = pid_numbers(table([(pid, 1, split) for pid in sorted(pids)]), 1501)
    assert set(numbers) == pids
    assert [numbers[pid] for pid in sorted(pids)] == sorted(set(numbers.values()))
    assert max(numbers.values()) <= 1501
    assert bool(note) == (numbers != {pid: pid for pid in pids})
    for pid, number in numbers.items():
        assert (number == -1) == (pid == -1)
        assert (number == 0) == (pid == 0 and split == "gallery")


@pytest.mark.parametrize(
    ("camids", "numbers"),
    [
        ([1, 2, 6], [1, 2, 6]),
        ([0, 1], [1, 2]),
        ([8, 1], [8, 1]),
        ([11, 12, 11], [1, 2, 1]),
        ([60, 7], [2, 1]),
    ],
)
def test_cameras_are_kept_or_numbered_in_their_order(camids: list[int], numbers: list[int]) -> None:
    renumbered, note = camera_numbers(table([(1, camid, "gallery") for camid in camids]))
    assert renumbered == numbers
    assert bool(note) == (camids != numbers)


def test_unknown_cameras_are_never_the_camera_of_a_query() -> None:
    rows = [(1, -1, "query"), (1, -1, "gallery"), (2, -1, "gallery"), (3, -1, "train")]
    renumbered, note = camera_numbers(table(rows))
    assert renumbered == [1, 2, 2, 2]
    assert "unknown cameras" in note


def test_distractors_of_many_cameras_fit() -> None:
    rows = [(0, camid, "gallery") for camid in range(12)] + [(5, 3, "query"), (5, 4, "gallery")]
    assert camera_numbers(table(rows))[0] == [1] * 12 + [1, 2]


def test_ten_cameras_are_counted_within_each_identity() -> None:
    pairs = [(pair * 1000 + 1, pair * 10 + view) for pair in range(1, 6) for view in (1, 2)]
    renumbered, note = camera_numbers(table([(pid, camid, "gallery") for pid, camid in pairs]))
    assert renumbered == [1, 2] * 5
    assert "within each identity" in note


def test_of_ten_cameras_those_without_a_query_share_the_last_number() -> None:
    gallery = [(1, camid, "gallery") for camid in range(12)]
    renumbered, note = camera_numbers(table([*gallery, (1, 10, "query"), (1, 3, "query")]))
    assert renumbered == [3, 4, 5, 1, 6, 7, 8, 9, 9, 9, 2, 9, 2, 1]
    assert note.endswith("; of 1 identities of more cameras, those without a query share the last")


@pytest.mark.parametrize("cameras", [9, 12])
def test_an_identity_with_queries_of_nine_cameras_and_more_images_is_refused(cameras: int) -> None:
    queries = [(1, camid, "query") for camid in range(cameras)]
    with pytest.raises(InputError, match=f"an identity has {max(cameras, 10)} cameras"):
        camera_numbers(table([*queries, (1, 9, "gallery")]))
    of_nine = [(1, camid, "query") for camid in range(9)]
    assert camera_numbers(table(of_nine))[0] == list(range(1, 10))
