"""`crossres datasets twin`: what it says while it draws, and that it leaves all or nothing."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crossres.cli import run
from crossres.commands.datasets.twin import LAYOUTS
from crossres.datasets import draw_twin
from crossres.datasets.readers.parts.listing import MARKER
from crossres.datasets.twins.layouts import OTHERS

FURTHER = [(dataset, layout) for dataset, layouts in OTHERS.items() for layout in layouts]


def test_it_draws_into_a_folder_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["datasets", "twin", "mlr-viper", "--size", "tiny", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"wrote the tiny twin of mlr-viper to {tmp_path}\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["VIPeR"]


@pytest.mark.parametrize(("dataset", "layout"), FURTHER)
def test_further_layouts(
    dataset: str, layout: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["datasets", "twin", dataset, "--size", "tiny", "--layout", layout]
    assert run([*words, "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "dataset": dataset,
        "size": "tiny",
        "layout": layout,
        "seed": 0,
        "folder": str(tmp_path),
    }
    assert [entry.name for entry in tmp_path.iterdir()] == [OTHERS[dataset][layout]]
    marker = json.loads((tmp_path / OTHERS[dataset][layout] / MARKER).read_text())
    assert marker["layout"] == layout


def test_text_names_the_layout_and_json_says_where_it_is_the_usual_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["datasets", "twin", "mlr-sysu", "--size", "tiny", "--out", str(tmp_path)]
    assert run([*words, "--layout", "sysu-table"]) == 0
    output = capsys.readouterr().out
    assert output == f"wrote the tiny twin of mlr-sysu as sysu-table to {tmp_path}\n"
    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layout"] is None


def test_help_lists_the_further_layouts(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run(["datasets", "twin", "--help"])
    output = "".join(capsys.readouterr().out.split())  # lines end at hyphens, too
    assert "".join(LAYOUTS.split()) in output
    assert all(name in LAYOUTS for pair in FURTHER for name in pair)


@pytest.mark.parametrize(
    ("dataset", "layout", "choices"),
    [
        ("mlr-sysu", "cuhk03-np", "sysu-nested, sysu-table, sysu-mm01"),
        ("vric", "none-such", "none"),
    ],
)
def test_an_unknown_layout_is_one_line_and_leaves_nothing(
    dataset: str, layout: str, choices: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["datasets", "twin", dataset, "--size", "tiny", "--layout", layout]
    assert run([*words, "--out", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert f"{dataset} has no layout {layout!r}" in lines[0]
    assert choices in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_twin_leaves_nothing_and_one_line(tmp_path: Path):
    out = tmp_path / "raw"
    command = [sys.executable, "-m", "crossres", "datasets", "twin", "mlr-market"]
    process = subprocess.Popen(
        [*command, "--size", "full", "--out", str(out)],
        cwd=Path(__file__).parents[4],
        stderr=subprocess.PIPE,
        text=True,
        # A background job of a shell starts with SIGINT ignored, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(out.rglob("*.jpg")):
        time.sleep(0.1)
    assert [entry.name[:7] for entry in out.iterdir()] == [".Market"]
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert error == "crossres: interrupted; nothing half-written is left\n"
    assert process.returncode == 1
    assert list(out.iterdir()) == []


def test_a_drawing_that_fails_leaves_nothing(tmp_path: Path):
    class Stop(Exception):
        pass

    def stop(drawn: int, _total: int) -> None:
        if drawn == 5:
            raise Stop

    with pytest.raises(Stop):
        draw_twin("caviar", tmp_path, "tiny", stop)
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_place_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "file"
    file.write_text("")
    assert run(["datasets", "twin", "mlr-viper", "--size", "tiny", "--out", str(file)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(file) in error
