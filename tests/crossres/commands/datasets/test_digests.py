"""`crossres datasets digests`: is my split the published one?"""

import json
from pathlib import Path

import pytest

from crossres.cli import run
from crossres.datasets import draw_twin

SETS = ["datasets", "digests"]


@pytest.fixture
def viper(tmp_path: Path) -> Path:
    draw_twin("mlr-viper", tmp_path, "tiny")
    return tmp_path


def test_the_twin_has_the_published_splits(viper: Path, capsys: pytest.CaptureFixture[str]):
    assert run([*SETS, "mlr-viper", "--data", str(viper)]) == 0
    output = capsys.readouterr().out
    assert output.endswith("digests of mlr-viper (twin:tiny:2) are the published ones\n")
    count, of, total, *_ = output.split()
    assert (of, count) == ("of", total)
    assert int(total) >= 30


def test_a_split_that_differs_is_shown_and_is_a_no(viper: Path, capsys: pytest.CaptureFixture[str]):
    for camera in ("cam_a", "cam_b"):
        next(iter(sorted((viper / "VIPeR" / camera).glob("*.bmp")))).unlink()
    assert run([*SETS, "mlr-viper", "--data", str(viper), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["dataset"], answer["source"]) == ("mlr-viper", "twin:tiny:2")
    assert all(p["published"]["digest"] != p["found"]["digest"] for p in answer["digests"])
    assert run([*SETS, "mlr-viper", "--data", str(viper)]) == 1
    assert "manifest of mlr-sing, seed 0: published " in capsys.readouterr().out


def test_what_has_no_published_digest_is_one_line(viper: Path, capsys: pytest.CaptureFixture[str]):
    (viper / "VIPeR" / "crossres-twin.json").unlink()
    assert run([*SETS, "mlr-viper", "--data", str(viper)]) == 2
    error = capsys.readouterr().err
    assert "no digest of mlr-viper from real is published" in error
    assert error.count("\n") == 1


def test_the_folders_of_cuhk03_np_are_not_taken_for_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    draw_twin("mlr-cuhk03", tmp_path, "tiny", layout="cuhk03-np")
    assert run([*SETS, "mlr-cuhk03", "--data", str(tmp_path)]) == 2
    assert "from twin:tiny:2:cuhk03-np is published" in capsys.readouterr().err
