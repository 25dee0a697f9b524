"""A place that is no results folder is named for what it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crossres.benchmark.records.record import read_records
from crossres.datasets import InputError
from crossres.datasets.twins import draw_twin


def file(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")
        return path

    return make


def inside(name: str) -> Callable[[Path], Path]:
    return lambda folder: file(name)(folder).parent


def twin(folder: Path) -> Path:
    draw_twin("mlr-viper", folder, "tiny")
    return folder


def cache(folder: Path) -> Path:
    (folder / "twins").mkdir()
    (folder / "pixels").mkdir()
    return folder


def report(folder: Path) -> Path:
    (folder / "results" / "records").mkdir(parents=True)
    return inside("results/report/index.html")(folder)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "nowhere", "there is no such folder"),
        (lambda folder: folder, "it is empty"),
        (file("gate.json"), "a JSON file, such as a baseline, not a results folder"),
        (file("records/key.json"), "a record, not a results folder"),
        (file("my.toml"), "a TOML file"),
        (file("features.npz"), "a file of arrays"),
        (lambda folder: file("x")(folder) / "y", "there is no such folder"),
        (report, "give the folder around it"),
        (inside("index.html"), "it is a report"),
        (inside("method.json"), "it holds the weights of a method"),
        (inside("crossres-export.csv"), "it is an export of a split"),
        (twin, "it holds raw data (mlr-viper)"),
        (cache, "it is the cache"),
        (lambda folder: inside("mine/records/key.json")(folder).parents[1], "folders below it"),
        (inside("a.png"), "it holds images"),
        (inside("a.txt"), "it is another kind of folder"),
        (lambda folder: folder / ("x" * 300), "too long"),
    ],
)
def test_what_a_place_is(make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    folder = make(tmp_path)
    with pytest.raises(InputError) as caught:
        read_records(folder)
    assert str(caught.value).startswith(f"{folder}: ")
    assert words in str(caught.value)
    assert "`crossres run`" in str(caught.value)
