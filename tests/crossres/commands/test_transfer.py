"""Training on one data set and testing on another, through the command line, on twins and crops."""

import csv
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from crossres.benchmark import read_records
from crossres.benchmark.runs.cell import _digest
from tests.command_line import Answered, called
from tests.datasets.own_crops import definition, station

TABLE = """
id = "moved"
metrics = ["rank1"]
seeds = [0, 1]

[[datasets]]
train = ["mlr-pku", "mlr-viper"]
test = "mlr-viper"

[[datasets]]
train = "station.toml"
test = "mlr-viper"

[[rows]]
label = "Plain"
method = "plain"
"""
NAMES = ("mlr-pku:mlr-viper", "mlr-viper", "station:mlr-viper")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A folder with moved.toml, a set of one's own, and results/moved with weights and a report."""
    folder = tmp_path_factory.mktemp("moved")
    (folder / "moved.toml").write_text(TABLE)
    station(folder / "crops")
    definition(folder / "station.toml")
    where = ("--profile", "smoke", "--jobs", "1", "--save-weights")
    answered = called(folder, cache, "run", "moved.toml", *where)
    assert answered.returncode == 0, answered.stderr
    assert "Plain · mlr-pku:mlr-viper · seed 0: rank-1" in answered.stderr
    return folder


@pytest.fixture
def here(folder: Path, cache: Path) -> Callable[..., Answered]:
    return partial(called, folder, cache)


def test_every_form_of_the_report_says_from_where_to_where(folder: Path) -> None:
    report = folder / "results" / "moved" / "report"
    arrow = "MLR-PKU → MLR-VIPeR"
    page = (report / "index.html").read_text(encoding="utf-8")
    assert page.count(arrow) > 3
    assert "station → MLR-VIPeR" in page
    assert f"| {arrow} | Plain |" in (report / "moved.md").read_text(encoding="utf-8")
    latex = (report / "moved.tex").read_text(encoding="utf-8")
    assert r"\shortstack{PKU $\rightarrow$\\VIPeR}" in latex
    with (report / "moved.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["metric"] == "rank1"]
    assert {(line["dataset"], line["train"], line["test"]) for line in lines} == {
        ("mlr-pku:mlr-viper", "mlr-pku", "mlr-viper"),
        ("mlr-viper", "mlr-viper", "mlr-viper"),
        ("station:mlr-viper", "station", "mlr-viper"),
    }
    assert {line["n"] for line in lines} == {"2"}
    assert all(
        "CUSTOM DATA: station" in line["caution"] for line in lines if "station" in line["train"]
    )
    assert all(line["source"].startswith("twin:tiny") for line in lines)  # the more cautious one


def test_columns_stand_in_the_order_of_the_table(here: Callable[..., Answered]) -> None:
    answered = here("report", "results/moved")
    assert answered.returncode == 0
    titles = ["MLR-PKU → MLR-VIPeR", "MLR-VIPeR", "station → MLR-VIPeR"]
    text = answered.stdout + answered.stderr
    lines = [line.strip() for line in text.splitlines()]
    assert [lines.index(title) for title in titles] == sorted(map(lines.index, titles))
    assert "TWIN DATA" in text
    assert "CUSTOM DATA: station" in text


def test_nothing_is_left_to_run(here: Callable[..., Answered]) -> None:
    dry = here("run", "moved.toml", "--profile", "smoke", "--dry-run", "--json")
    cells = json.loads(dry.stdout)["cells"]
    assert {cell["state"] for cell in cells} == {"done"}
    assert len(cells) == 6
    some = here("run", "moved.toml", "--profile", "smoke", "--dry-run", "--datasets", ":mlr-viper")
    assert "6 cells, 0 to run" in some.stdout
    status = here("status", "results/moved")
    assert status.returncode == 0
    assert "stale" not in status.stdout


def test_a_cell_is_shown_with_its_training_and_runs_again(
    folder: Path, here: Callable[..., Answered]
) -> None:
    cells = {(r.cell.dataset, r.cell.seed): r for r in read_records(folder / "results" / "moved")}
    assert {name for name, _ in cells} == {*NAMES}
    shown = here("show", cells["mlr-pku:mlr-viper", 1].key)
    assert re.search(r"data +mlr-viper, twin \(size tiny, version 2\), mlr-sing\n", shown.stdout)
    assert re.search(
        r"trained on +mlr-pku, twin \(size tiny, version 2\), mlr-sing\n", shown.stdout
    )
    for name in ("mlr-pku:mlr-viper", "station:mlr-viper"):
        key = cells[name, 1].key
        answer = json.loads(here("show", key, "--json").stdout)
        assert answer["cautions"] == []
        dry = here(*answer["command"].split()[1:], "--dry-run", "--json")
        assert dry.returncode == 0, dry.stderr
        assert [cell["key"] for cell in json.loads(dry.stdout)["cells"]] == [key]


@pytest.mark.parametrize("name", NAMES)
def test_the_kept_weights_embed_the_tested_images_as_the_cell_did(
    name: str, folder: Path, here: Callable[..., Answered]
) -> None:
    words = ("--results", "results/moved", "--row", "Plain", "--seed", "0")
    answered = here("embed", *words, "--datasets", name, "--out", "f.npz", "--device", "cpu")
    assert answered.returncode == 0, answered.stderr
    records = read_records(folder / "results" / "moved")
    (record,) = (r for r in records if (r.cell.dataset, r.cell.seed) == (name, 0))
    with np.load(folder / "f.npz", allow_pickle=False) as features:
        of_file = features["query_features"], features["gallery_features"]
    assert _digest(*of_file) == record.digests["embeddings"]
    assert "may know its test identities" not in answered.stderr


@pytest.mark.parametrize(
    ("datasets", "words"),
    [
        ("mlr-pkuu:mlr-viper", "unknown data set 'mlr-pkuu' (did you mean 'mlr-pku'?)"),
        ("mlr-pku:gone.toml", "gone.toml: not a readable data set file"),
        ("vric:mlr-viper", "vric shows vehicles and mlr-viper persons"),
        ("caviar:", "table moved has nothing that is trained on 'caviar'"),
        (":", "table moved has nothing that is trained on ''"),
    ],
)
def test_what_cannot_be_run_is_one_line(
    datasets: str, words: str, here: Callable[..., Answered]
) -> None:
    answered = here("run", "moved.toml", "--profile", "smoke", "--datasets", datasets)
    assert answered.returncode == 2
    assert words in answered.stderr.strip().splitlines()[-1]


def test_a_set_without_training_images_cannot_be_trained_on(
    folder: Path, here: Callable[..., Answered]
) -> None:
    rows = ["path,pid,camid,split,rate"]
    for person, split in (("alice", "query"), ("bob", "query")):
        for camera in ("hall", "north-gate"):
            side = "gallery" if camera == "hall" else split
            rows.append(f"day0/{person}@{camera}@0.png,{person},{camera},{side},1")
    (folder / "test-only.csv").write_text("\n".join(rows))
    definition(folder / "only.toml", id="only", pattern=None, csv="test-only.csv", protocol="given")
    answered = here("run", "moved.toml", "--profile", "smoke", "--datasets", "only.toml:mlr-viper")
    assert answered.returncode == 2
    last = answered.stderr.strip().splitlines()[-1]
    assert last.endswith("crops: its list has no image of the split train; add some")
