"""Queries and gallery by names alone; what names cannot tell is refused in one line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crossres.datasets import InputError
from crossres.datasets.own.definition import layout_from, own_set
from crossres.datasets.own.sides import NAME_GROUPS, Sides, sides_of
from crossres.datasets.readers.own import ids_of
from tests.datasets.own_crops import PATTERN, crop, definition, station

SPLIT = r"(?P<split>\w+)/(?P<pid>-?\d+)_c(?P<camid>\d)(?:_r(?P<rate>\d))?\.png"


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return station(tmp_path_factory.mktemp("own") / "crops")


def split(folder: Path, *names: str) -> Path:
    for name in names:
        crop(folder / f"{name}.png")
    return folder


def sides(folder: Path, pattern: str, globs: Sequence[str] = (), **entries: Any) -> Sides:
    layout = layout_from("--pattern", {"pattern": pattern, **entries}, folder, NAME_GROUPS)
    return sides_of(folder, layout, globs)


def paths(side: Sequence[Any]) -> list[str]:
    return [entry.path for entry in side]


def test_without_a_word_about_queries_every_image_is_one(crops: Path) -> None:
    every = sides(crops, PATTERN)
    assert every.is_all_by_all
    assert len(every.queries) == 32
    assert paths(every.queries) == sorted(paths(every.queries))
    first = every.queries[0]
    assert (first.path, first.pid, first.camera) == ("day0/alice@hall@0.png", "alice", "hall")


def test_globs_take_queries_and_leave_the_rest(crops: Path) -> None:
    some = sides(crops, PATTERN, ["day0/*@hall@*", "*/bob@*"])
    assert len(some.queries) == 8 + 3
    assert len(some.gallery) == 32 - 11
    assert not {*paths(some.queries)} & {*paths(some.gallery)}
    assert {e.camera for e in some.queries if e.pid != "bob"} == {"hall"}
    assert not some.is_all_by_all


def test_a_split_of_names_is_taken_and_train_left_out(tmp_path: Path) -> None:
    names = [
        "train/5_c1",
        "query/1_c1",
        "query/-1_c1",
        "gallery/1_c2",
        "gallery/-1_c2",
        "test/2_c1",
    ]
    marked = sides(split(tmp_path, *names), SPLIT)
    assert paths(marked.queries) == ["query/1_c1.png"]  # one of pid -1 is nobody's
    assert paths(marked.gallery) == ["gallery/-1_c2.png", "gallery/1_c2.png", "test/2_c1.png"]
    assert marked.train == 1


def test_test_alone_tells_of_no_query(tmp_path: Path) -> None:
    folder = split(tmp_path, "train/5_c1", "test/1_c1", "test/1_c2", "test/-1_c2")
    every = sides(folder, SPLIT)
    assert every.is_all_by_all
    assert paths(every.queries) == ["test/1_c1.png", "test/1_c2.png"]
    assert paths(sides(folder, SPLIT, ["*_c2.png"]).gallery) == ["test/1_c1.png"]


def test_rates_of_names_are_told(tmp_path: Path) -> None:
    folder = split(tmp_path, "query/1_c1_r4", "gallery/1_c2_r1")
    marked = sides(folder, SPLIT)
    assert [entry.rate for entry in (*marked.queries, *marked.gallery)] == ["4", "1"]


def test_a_definition_says_it_too(crops: Path, tmp_path: Path) -> None:
    card = own_set(definition(tmp_path / "station.toml", root=str(crops), ignore="day1/.*"))
    assert card.own is not None
    assert len(sides_of(Path(card.folder), card.own).queries) == 16


def test_ids_are_numbers_where_all_names_are_and_else_texts() -> None:
    assert ids_of(["0007", "12", "-1"]) == {"0007": 7, "12": 12, "-1": -1}
    assert ids_of(["alice", "12"]) == {"alice": "alice", "12": "12"}
    assert ids_of(["007", "7"]) == {"007": "007", "7": "7"}
    assert ids_of([]) == {}


@pytest.mark.parametrize(
    ("pattern", "globs", "words"),
    [
        ("(?P<pid>.*", [], ["--pattern: pattern is no regular expression", "(?P<pid>...)"]),
        (".*", [], ["--pattern: pattern has no group pid", "put (?P<pid>...)"]),
        ("(?P<pid>.*)(?P<age>x?)", [], ["--pattern: pattern", "age", "rate"]),
        (PATTERN.replace("png", "jpg"), [], ["32 of 32 images", "do not match", "`ignore`"]),
        (PATTERN, ["*.jpg"], ["--query *.jpg: matches none of 32 images", "day0/alice@hall@0.png"]),
        (PATTERN, ["*"], ["there is no gallery image among 32 images; without --query every"]),
        (r"(?P<split>day\d)/(?P<pid>.+)", [], ["split", "day0"]),
        (r"day0/(?P<pid>.+)|.+", [], ["16 images of 32 have no pid", "day1/alice"]),
    ],
)
def test_what_cannot_be_told_is_refused(
    pattern: str, globs: list[str], words: list[str], crops: Path
) -> None:
    with pytest.raises(InputError) as refused:
        sides(crops, pattern, globs)
    assert "\n" not in str(refused.value)
    for word in words:
        assert word in str(refused.value)


def test_folders_and_splits_that_leave_nothing_are_refused(tmp_path: Path) -> None:
    def refusal(folder: Path, globs: Sequence[str] = ()) -> str:
        with pytest.raises(InputError) as refused:
            sides(folder, SPLIT, globs)
        return str(refused.value)

    assert "there is no such folder" in refusal(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no image that --pattern describes" in refusal(tmp_path / "empty")
    train = split(tmp_path / "a", "train/1_c1")
    assert "no query among 1 image; images of split train and of pid -1" in refusal(train)
    gallery = split(tmp_path / "b", "gallery/1_c1")
    assert "no query among 1 image; without a split every image" in refusal(gallery)
    query = split(tmp_path / "c", "query/1_c1", "train/2_c1")
    assert "no gallery image among 2 images; without a split" in refusal(query)
    assert "a split says which images are queries; leave --query out" in refusal(query, ["*"])
    rates = split(tmp_path / "d", "query/1_c1_r5", "gallery/1_c2_r1")
    assert "query/1_c1_r5.png: the rate is '5'; it must be one of 0, 1, 2" in refusal(rates)
    some = split(tmp_path / "e", "query/1_c1_r4", "gallery/1_c2")
    assert "1 image of 2 have no rate" in refusal(some)


def test_rates_of_a_list_are_of_a_split(crops: Path, tmp_path: Path) -> None:
    lines = ["path,pid,rate", "day0/bob@hall@0.png,1,4", "day0/eve@hall@0.png,2,1"]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    card = own_set(definition(tmp_path / "l.toml", root=str(crops), pattern=None, csv="list.csv"))
    assert card.own is not None
    with pytest.raises(InputError, match=r"list\.csv: has rates, by which a split down-samples; b"):
        sides_of(crops, card.own)
