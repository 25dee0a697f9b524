"""`crossres evaluate`: files of other code bases, by rate and camera, one against another."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import scipy.io

import crossres
from tests.command_line import Answered
from tests.crossres.test_cli import answer, assert_refused

Command = Callable[..., Answered]
SIDES = {"query": 30, "gallery": 61}


def arrays(noise: float) -> dict[str, Any]:
    """Ten people at four rates in three cameras."""
    rng, people = np.random.default_rng(7), np.random.default_rng(8).normal(size=(10, 6))
    pids = {"query": np.arange(30) % 10, "gallery": np.r_[np.arange(60) % 10, -1]}
    features = {s: people[p] + noise * rng.normal(size=(len(p), 6)) for s, p in pids.items()}
    return {
        **{f"{side}_features": array for side, array in features.items()},
        **{f"{side}_pids": ids for side, ids in pids.items()},
        **{f"{side}_camids": np.arange(rows) % 3 for side, rows in SIDES.items()},
        **{
            f"{side}_paths": np.array([f"{side}/{row:02}.jpg" for row in range(rows)])
            for side, rows in SIDES.items()
        },
        "query_rates": np.arange(30) % 4,
    }


def saved(folder: Path, name: str = "a.npz", noise: float = 1.0) -> Path:
    np.savez(folder / name, **arrays(noise))
    return folder / name


def test_the_result_of_the_pytorch_baseline(command: Command, tmp_path: Path) -> None:
    content = arrays(1.0)
    words = {"features": "f", "pids": "label", "camids": "cam"}
    result = {f"{side}_{w}": content[f"{side}_{n}"] for side in SIDES for n, w in words.items()}
    scipy.io.savemat(tmp_path / "pytorch_result.mat", result)
    measured = answer(command("evaluate", "pytorch_result.mat", "--metric", "cosine", "--json"))
    del content["query_rates"], content["query_paths"], content["gallery_paths"]
    assert measured.items() >= crossres.evaluate(**content, metric="cosine").items()


def test_torchreid_arrays_of_half_precision_in_safetensors(
    command: Command, tmp_path: Path
) -> None:
    content = arrays(1.0)
    half = {side: content[f"{side}_features"].astype(np.float16) for side in SIDES}
    ids = {f"{s[0]}_{kind}": content[f"{s}_{kind}"] for s in SIDES for kind in ("pids", "camids")}
    safetensors.numpy.save_file(
        {"qf": half["query"], "gf": half["gallery"], **ids}, tmp_path / "f.safetensors"
    )
    measured = answer(command("evaluate", "f.safetensors", "--json"))
    expected = crossres.evaluate(
        *half.values(), *(ids[n] for n in ("q_pids", "g_pids", "q_camids", "g_camids"))
    )
    assert measured.items() >= expected.items()


def test_by_rate_and_by_camera(command: Command, tmp_path: Path) -> None:
    path = saved(tmp_path)
    process = command("evaluate", path, "--out", "a.csv", "--per-query", "q.csv")
    evaluation = crossres.evaluate_features(path)
    low, high = (100 * bound for bound in evaluation.intervals["rank1@2"] or ())
    lines = process.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    (of_rate,) = [line for line in lines if line.startswith("rate 2")]
    assert f"{100 * evaluation.by_group['rank1@2']:.2f} % [{low:.2f}, {high:.2f}]" in of_rate
    assert of_rate.endswith(f" {evaluation.by_group['valid_queries@2']}")
    assert [line.split("  ")[0] for line in lines if line.startswith(("rate", "camera"))] == [
        "rate 1", "rate 2", "rate 3", "camera 0", "camera 1", "camera 2",
    ]  # fmt: skip
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["mAP@camid=1"]) == evaluation.by_group["mAP@camid=1"]
    assert float(row["rank1@2_low"]) == low / 100
    header, first, *_ = (tmp_path / "q.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("query,path,pid,camid,rate,valid,rank1,")
    assert first.startswith("0,query/00.jpg,0,0,0,true,")


def test_one_file_against_another(command: Command, tmp_path: Path) -> None:
    a, b = saved(tmp_path), saved(tmp_path, "b.npz", 0.6)
    pair = crossres.compare_features(a, b)
    files = ("--out", "o.json", "--per-query", "q.csv")
    measured = answer(command("evaluate", a, "--against", b, *files, "--json"))
    assert json.loads((tmp_path / "o.json").read_text(encoding="utf-8")) == measured
    assert measured["against"] == {"features": str(b), **json.loads(json.dumps(pair.as_dict()))}
    assert measured.items() >= answer(command("evaluate", a, "--json")).items()
    with (tmp_path / "q.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["flip"] for row in rows] == pair.columns()["flip"]
    assert [float(row["b_AP"]) for row in rows] == pair.columns()["b_AP"]

    lines = command("evaluate", a, "--against", b).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    text = {line[:20].strip(): line[20:] for line in lines}
    gap = pair.differences["mAP"]
    assert f"{100 * gap.a:.2f} %" in text["mAP"]
    assert f"{100 * gap.difference:+.1f}" in text["mAP"]
    assert text["all queries"].split() == [str(n) for n in pair.flips["all"].values()]
    assert text["camera 2"].split() == [str(n) for n in pair.flips["@camid=2"].values()]
    assert "query by path, gallery by path" in text["same images"]


def test_the_csv_of_two_files(command: Command, tmp_path: Path) -> None:
    a, b = saved(tmp_path), saved(tmp_path, "b.npz", 0.6)
    assert command("evaluate", a, "--against", b, "--out", "o.csv").returncode == 0
    with (tmp_path / "o.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    pair = crossres.compare_features(a, b)
    assert float(row["against.differences.rank1.low"]) == pair.differences["rank1"].low
    assert int(row["against.flips.all.rescued"]) == pair.flips["all"]["rescued"]
    assert float(row["against.metrics.mAP_high"]) == (pair.b.intervals["mAP"] or ())[1]
    assert row["against.metrics.rules.metric"] == "euclidean"


def test_notes_say_of_which_file_they_are(command: Command, tmp_path: Path) -> None:
    a, content = saved(tmp_path), arrays(1.0)
    content["gallery_features"][0] = content["query_features"][0]
    content["query_camids"][0] = -1
    np.savez(tmp_path / "b.npz", **content)
    np.savez(a, **arrays(1.0) | {"query_camids": content["query_camids"]})
    process = command("evaluate", a, "--against", "b.npz")
    assert process.stderr.startswith("note: B: 1 of 30 queries stand in the gallery themselves")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"query_pids": np.arange(30) % 9},
            ("query_pids differ in", "query/09.jpg: 9 in A, 0 "),
        ),
        ({"query_paths": np.array([f"{k}" for k in range(30)])}, ("00.jpg is one of the queries",)),
        ({"gallery_pids": None}, ("b.npz: gallery_pids is missing", "g_pids or gallery_pid")),
    ],
)
def test_files_of_other_images_are_refused(
    changed: dict[str, Any], words: tuple[str, ...], command: Command, tmp_path: Path
) -> None:
    content = {n: a for n, a in (arrays(1.0) | changed).items() if a is not None}
    np.savez(tmp_path / "b.npz", **content)
    assert_refused(command("evaluate", saved(tmp_path), "--against", "b.npz"), "b.npz", *words)


def test_many_cameras_and_long_names_stay_in_the_width(command: Command, tmp_path: Path) -> None:
    content = arrays(1.0)
    content["query_camids"] = np.array([f"a camera with a very long name {k}" for k in range(30)])
    content["query_camids"][0] = "\x1b[31mred\nline"
    content["gallery_camids"] = np.array([f"{k}" for k in range(61)])
    np.savez(tmp_path / "a.npz", **content)
    lines = command("evaluate", "a.npz").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("camera a …") for line in lines) == 29
    assert any(line.startswith(r"camera \x") for line in lines)


def test_what_a_terminal_has_no_room_for_is_in_the_files(command: Command, tmp_path: Path) -> None:
    people = np.arange(60)
    cameras = {"query_camids": people, "gallery_camids": people + 1, "query_rates": people}
    ids = {f"{side}_pids": people for side in SIDES}
    sides = {f"{side}_features": np.eye(60) for side in SIDES}
    np.savez(tmp_path / "a.npz", **sides, **ids, **cameras)
    lines = command("evaluate", "a.npz", "--out", "a.json").stdout.splitlines()
    assert len(lines) < 70
    assert "and 79 more, which --json and --out have" in lines
    assert "rank1@camid=59" in json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
