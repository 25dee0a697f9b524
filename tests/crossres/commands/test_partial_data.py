"""Foreign images under a famous name: what the commands say of them, and refuse."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crossres.cli import run
from crossres.datasets import draw

COUNTS = "12 of 1,501 identities, 72 of 36,036 images, 2 of 6 cameras"


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 images of noise in the folders of Market-1501: 12 identities, two cameras."""
    root = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(draw("noise"))
    for pid in range(1, 13):
        train = pid <= 9
        for camid in (1, 2):
            parts = ["bounding_box_train"] * 3 if train else ["bounding_box_test"] * 2 + ["query"]
            for k, part in enumerate(parts):
                file = (
                    root / "Market-1501-v15.09.15" / part / f"{pid:04d}_c{camid}s1_{k:06d}_01.jpg"
                )
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 256, (128, 64, 3), np.uint8)).save(file)
    return root


@pytest.fixture
def arguments(noise: Path, tmp_path: Path) -> list[str]:
    return ["--data", str(noise), "--cache", str(tmp_path / "cache"), "--profile", "smoke"]


@pytest.mark.parametrize(
    "command",
    [
        ["run", "table2", "--datasets", "mlr-market", "--seeds", "0"],
        ["run", "table2", "--datasets", "mlr-market", "--dry-run"],
        ["datasets", "build", "mlr-market"],
        ["datasets", "export", "mlr-market", "--layout", "market"],
    ],
)
def test_it_is_refused_in_one_line(
    command: list[str],
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([*command, *arguments, "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"not MLR-Market-1501 as its owners give it out: {COUNTS};" in message
    assert "--partial" in message
    assert not list((tmp_path / "out").glob("*/*"))


def test_admitted_it_is_marked_wherever_it_appears(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = [*arguments, "--partial"], tmp_path / "out"
    cells = ["--datasets", "mlr-market", "--seeds", "0", "--rows", "1"]
    assert run(["run", "table2", *cells, *data, "--out", str(out), "--jobs", "1"]) == 0
    capsys.readouterr()
    (path,) = (out / "records").iterdir()
    record = json.loads(path.read_text())
    assert record["cell"]["source"] == "partial"
    assert ", ".join(record["standing"]["other_counts"]) == COUNTS
    assert record["standing"]["paper_size"] is False
    for name in ("index.html", "table2.md", "table2.tex", "table2.csv"):
        text = (out / "report" / name).read_text(encoding="utf-8")
        assert "12 of 1,501 identities" in text
        assert "Real data" not in text
        # What papers print is never beside measured numbers; it has a block of its own.
        assert 'class="num published"' not in text.split(">What papers print<")[0]
        assert "Published" not in text.replace("Published numbers are shown only", "")
    assert run(["claims", str(out)]) == 0
    assert "partial data is not the data that claims are about" in capsys.readouterr().out

    assert (
        run(["datasets", "build", "mlr-market", *data, "--out", str(tmp_path / "m"), "--json"]) == 0
    )
    (built,) = json.loads(capsys.readouterr().out)["built"]
    assert built["source"] == "partial"
    assert "the raw folder: 12 of 1,501 identities" in built["notes"]

    export = ["datasets", "export", "mlr-market", "--layout", "market", *data]
    assert run([*export, "--out", str(tmp_path / "export")]) == 0
    readme = (tmp_path / "export" / "README.txt").read_text()
    assert f"PARTIAL DATA: {COUNTS}" in readme
    assert "drawn by a program" not in readme


def test_verify_calls_it_partial(noise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "verify", "mlr-market", "--data", str(noise)]) == 1
    assert "(source partial)" in capsys.readouterr().out


def test_a_twin_needs_no_admission(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["datasets", "build", "mlr-viper", "--partial", "--out", str(tmp_path)]
    assert run(command) == 2
    assert "belong to --data" in capsys.readouterr().err
