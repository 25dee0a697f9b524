"""What arrays are called: each name means one thing, and what is unclear is never guessed."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossres.benchmark import evaluate_features
from crossres.benchmark.feature_files.names import (
    ARRAYS,
    NEEDED,
    WORDS,
    known_names,
    missing_in,
    other_names,
    recognised,
)
from crossres.datasets.base.errors import InputError
from tests.benchmark.feature_files.cases import arrays, write_npz


def test_no_name_means_two_things() -> None:
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    meanings: dict[str, set[str]] = {}
    for thing, nouns in words["holds"].items():
        for noun in nouns:
            if len(noun) > 1:
                meanings.setdefault(noun, set()).add(thing)
            for side, prefixes in words["sides"].items():
                for prefix in prefixes:
                    for name in {prefix + noun, noun + prefix if len(noun) > 1 else prefix + noun}:
                        meanings.setdefault(name, set()).add(f"{side}_{thing}")
    for name in words["number"]["num_query"]:
        meanings.setdefault(name, set()).add("num_query")
    assert {name: who for name, who in meanings.items() if len(who) > 1} == {}
    assert {name: own for name, (own,) in meanings.items()} == known_names()


def test_our_names_and_those_that_we_propose_are_known() -> None:
    for name in ARRAYS:
        assert recognised([name]) == {name: name}
        assert all(recognised([other]) == {name: other} for other in other_names(name))


def test_our_name_comes_before_others() -> None:
    assert recognised(["qf", "query_features"]) == {"query_features": "query_features"}


def test_what_nobody_needs_may_be_there_twice() -> None:
    names = ["q_pids", "g_pids", "ids", "labels", "query_files", "query_names"]
    assert recognised(names) == {
        "query_pids": "q_pids",
        "gallery_pids": "g_pids",
        "pids": "ids",
        "query_paths": "query_files",
    }
    with pytest.raises(InputError, match="ids and labels both mean pids"):
        recognised(["q_pids", "ids", "labels"])


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ({}, list(NEEDED)),
        ({"query_features", "gallery_features"}, ["query_pids", "gallery_pids"]),
        ({"features", "pids"}, ["num_query"]),
        ({"features"}, list(NEEDED)),
        ({"features", "num_query"}, ["query_pids", "gallery_pids"]),
        ({"query_features", "gallery_features", "pids"}, []),
        ({"features", "pids", "num_query"}, []),
    ],
)
def test_what_is_missing(names: set[str], missing: list[str]) -> None:
    assert missing_in(names) == missing


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "two names for one thing": (
        {"q_labels": np.arange(20), "q_ids": np.arange(20), "query_pids": None},
        "q_ids and q_labels both mean query_pids; keep one of the two",
    ),
    "no number": (
        {"num_query": np.array([3, 4]), "query_pids": None, "pids": np.arange(60)},
        "num_query must be one number from 1, not [3, 4]",
    ),
    "nobody": (
        {"num_query": np.array(0), "query_pids": None, "pids": np.arange(60)},
        "num_query must be one number from 1, not [0]",
    ),
    "another number": (
        {"num_query": np.array(7), "query_pids": None, "pids": np.arange(60)},
        "query_pids must have one entry for each of the 20 feature rows, not 7",
    ),
    "texts and numbers": (
        {"query_pids": np.array([f"{pid}" for pid in range(20)])},
        "query_pids are texts and gallery_pids are not; save both as texts, or as numbers",
    ),
    "rates of others": (
        {"query_rates": np.ones(19, int)},
        "query_rates must have one entry for each of the 20 feature rows, not 19",
    ),
    "no rates": ({"query_rates": np.full(20, -2)}, "query_rates: -2 is no down-sampling rate"),
    "halves": ({"query_rates": np.full(20, 2.5)}, "query_rates: not all of these float64 are"),
    "text rates": ({"query_rates": np.full(20, "2x")}, "query_rates: must be integers, not text"),
    "paths of others": (
        {"query_paths": np.full(3, "a.png")},
        "query_paths must have one entry for each of the 20 feature rows, not 3",
    ),
    "features turned over": (
        {"query_features": np.ones((8, 20), "f4"), "gallery_features": np.ones((8, 20), "f4")},
        "query_pids must have one entry for each of the 8 feature rows, not 20; the features are "
        "turned over: save their transpose (.T)",
    ),
    "a matrix": (
        {"query_pids": np.full((4, 5), "a"), "gallery_pids": np.full(40, "a")},
        "query_pids: must be (images,), not of shape (4, 5); give one id each",
    ),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_each_fault_gets_one_line_with_the_file(fault: str, tmp_path: Path) -> None:
    changes, words = FAULTS[fault]
    content = {name: array for name, array in (arrays() | changes).items() if array is not None}
    path = write_npz(tmp_path / "f", content)
    with pytest.raises(InputError) as caught:
        evaluate_features(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: {words}")
    assert "\n" not in text
