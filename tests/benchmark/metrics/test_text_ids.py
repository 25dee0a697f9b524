"""Texts as ids: the same people, whatever they are called."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from crossres.benchmark import evaluate
from crossres.benchmark.metrics.text_ids import id_of, numbered
from crossres.datasets.base.errors import InputError


def test_numbers_stay_numbers() -> None:
    (a, b), texts = numbered({"a": [3, -1, 7], "b": np.array([[2.0], [9.0]])})
    assert texts is None
    assert a.tolist() == [3, -1, 7]
    assert b.tolist() == [2, 9]
    assert id_of(7, texts) == 7


def test_texts_are_numbered_together_in_their_order() -> None:
    (a, b), texts = numbered({"a": ["b", "-1", "0010"], "b": np.array([["a", "b", "10"]])})
    assert texts is not None
    assert texts.tolist() == ["0010", "10", "a", "b"]
    assert a.tolist() == [3, -1, 0]
    assert b.tolist() == [2, 3, 1]
    assert [id_of(number, texts) for number in (-1, 0)] == ["-1", "0010"]


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "ö"],
        np.array(["a", "ö"]),
        np.array([b"a", "ö".encode()]),
        np.array(["a", "ö"], dtype=np.dtypes.StringDType()),
        pd.Series(["a", "ö"]),
        np.array(["a", "ö"], dtype=object),
        [["a"], ["ö"]],
    ],
)
def test_texts_of_any_library(texts: Any) -> None:
    (numbers,), known = numbered({"a": texts})
    assert known is not None
    assert known.tolist() == ["a", "ö"]
    assert numbers.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"a": ["x"], "b": [1]}, "a are texts and b are not; save both as texts, or as numbers"),
        ({"a": [["x", "y"], ["z", "w"]]}, "a: must be (images,), not of shape (2, 2)"),
        ({"a": np.array([b"\xff"])}, "a: holds bytes that are no UTF-8; save texts"),
        ({"a": [1.5]}, "a: not all of these float64 are whole numbers"),
    ],
)
def test_what_is_neither(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        numbered(values)
    assert str(caught.value).startswith(words)


def test_the_metrics_are_those_of_numbers() -> None:
    rng = np.random.default_rng(0)
    pids, camids = rng.integers(-1, 5, 30), rng.integers(-1, 3, 30)
    features = rng.normal(size=(30, 4))
    people = np.array(["eve", "bob", "zoe", "ada", "kim"])
    texts = np.where(pids < 0, "-1", people[pids])
    cameras = np.array([f"{camid}" for camid in camids])
    some = slice(12)
    by_number = evaluate(features[some] + 0.1, features, pids[some], pids, camids[some], camids)
    by_text = evaluate(features[some] + 0.1, features, texts[some], texts, cameras[some], cameras)
    assert by_text == by_number
