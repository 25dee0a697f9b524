"""`crossres datasets sheet` as a user meets it: what is in the picture, and what is refused."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from crossres.cli import run
from crossres.datasets import Source, build_manifest, draw_twin, open_raw, open_store

SMOKE = ("--profile", "smoke")
HEIGHT, WIDTH = 32, 16  # of the profile
ENLARGED = 6
COLUMN = WIDTH * ENLARGED + 8


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def in_a_folder(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSRES_CACHE", str(cache))


@pytest.fixture(scope="module")
def partial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is no twin any more: six identities of MLR-PKU, as far as anybody can see."""
    root = tmp_path_factory.mktemp("partial")
    draw_twin("mlr-pku", root, "tiny", seed=1)
    (marker,) = root.rglob("crossres-twin.json")
    marker.unlink()
    return root


def sheet(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    """What the command says with --json."""
    assert run(["datasets", "sheet", *map(str, words), *SMOKE, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def pixels(path: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("RGB"))


def places(picture: NDArray[np.uint8], image: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Where in the picture (y, x) the image stands, each pixel of it a square of equal pixels."""
    squares = image.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    height, width = squares.shape[:2]
    corners = np.argwhere((picture == squares[0, 0]).all(axis=2)).tolist()
    return [
        (y, x)
        for y, x in corners
        if np.array_equal(picture[y : y + height, x : x + width], squares)
    ]


def test_rows_and_columns_stand_where_they_should(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    answer = sheet(capsys, "mlr-viper", "--identities", "3", "--seed", "2")
    assert (answer["height"], answer["width"], answer["enlarged"]) == (HEIGHT, WIDTH, ENLARGED)
    (shown,) = answer["shown"]
    assert (shown["dataset"], shown["protocol"], shown["seed"]) == ("mlr-viper", "mlr-sing", 2)
    assert len({entry["pid"] for entry in shown["identities"]}) == 3
    raw = open_raw("mlr-viper", Source(size="tiny"), cache)
    manifest = build_manifest(raw, seed=2)
    assert shown["digest"] == manifest.digest
    store, picture = open_store(raw, manifest, HEIGHT, WIDTH, cache), pixels("sheet.png")
    corners_of_images = []
    for split in ("gallery", "query"):
        rows = manifest.rows(split)
        for entry in shown["identities"]:
            (row,) = rows.index[rows["path"] == entry[split]]
            (place,) = places(picture, store.images(split)[row])
            corners_of_images.append(place)
    (top, left), pitch = corners_of_images[0], corners_of_images[1][0] - corners_of_images[0][0]
    assert pitch > HEIGHT * ENLARGED
    columns = (left, left + 4 * COLUMN)
    assert corners_of_images == [(top + n * pitch, x) for x in columns for n in range(3)]
    margin = left
    assert picture.shape[1] == 2 * margin + 5 * COLUMN - 8
    assert (picture[:, :margin] == picture[0, 0]).all()


def test_the_same_words_give_the_same_file(capsys: pytest.CaptureFixture[str]) -> None:
    for out in ("a.png", "b.png", "a.pdf", "b.pdf", "a.svg", "b.svg"):
        sheet(capsys, "caviar", "--identities", "1", "--out", out)
    sheet(capsys, "caviar", "--identities", "1", "--out", "c.png", "--seed", "1")
    files = {path.name: path.read_bytes() for path in Path().iterdir()}
    for suffix, start in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")):
        assert files[f"a.{suffix}"] == files[f"b.{suffix}"]
        assert files[f"a.{suffix}"].startswith(start)
    assert files["c.png"] != files["a.png"]


def test_real_images_stand_left_of_the_twin(
    capsys: pytest.CaptureFixture[str], partial: Path
) -> None:
    words = ("mlr-pku", "--identities", "2", "--out")
    sheet(capsys, *words, "twin.png")
    answer = sheet(capsys, *words, "both.png", "--data", partial, "--partial")
    assert [shown["source"] for shown in answer["shown"]] == ["partial", "twin:tiny:2"]
    alone, both = pixels("twin.png"), pixels("both.png")
    right = both[:, both.shape[1] - alone.shape[1] :]
    rows = slice(0, alone.shape[0] - 60)  # above the notes, which are of other lengths
    assert np.array_equal(right[rows, 20:], alone[rows, 20:])
    assert not np.array_equal(both[rows, : alone.shape[1]], alone[rows])


def test_the_text_names_what_is_shown(capsys: pytest.CaptureFixture[str], partial: Path) -> None:
    words = ["datasets", "sheet", "mlr-pku", "--data", str(partial), "--partial", *SMOKE]
    assert run([*words, "--identities", "100"]) == 2
    assert "--identities 100: a sheet has room for" in capsys.readouterr().err
    assert run(words) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "wrote sheet.png\n  mlr-pku, source partial, mlr-sing, seed 0: identities "
    )
    assert "source twin:tiny:" in out


def test_fewer_identities_are_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = sheet(capsys, "mlr-pku", "--identities", "50")["shown"]
    assert len(shown["identities"]) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mlr-viper", "--out", "sheet.jpg"], "a figure is a .pdf, .png, .svg file, not .jpg"),
        (["mlr-viper", "--out", "sheet"], "not one without"),
        (["mlr-vipr"], "did you mean 'mlr-viper'"),
        (["mlr-viper", "--partial"], "--partial and --other-sizes belong to --data"),
        (["mlr-viper", "--data", "nowhere"], "nowhere: there is no such folder"),
        (["mlr-viper", "--protocol", "vru-half"], "vru-half is made for mlr-vru"),
        (["mlr-viper", "--identities", "0"], "'0' is not a number from 1"),
        (["mlr-viper", "caviar", "mlr-pku", "--identities", "40"], "a sheet has room for 32 of"),
    ],
)
def test_what_is_refused_is_refused_in_a_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = run(["datasets", "sheet", *words, *SMOKE])
    except SystemExit as end:  # what argparse refuses
        code = int(end.code or 0)
    assert code == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]
    assert not list(Path().iterdir())


def test_real_images_of_pku(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = sheet(capsys, "mlr-pku", "--data", shared / "data", "--partial", "--out", "pku.png")
    real, twin = answer["shown"]
    assert (real["source"], twin["source"]) == ("partial", "twin:tiny:2")
    assert "the raw folder: 50 of 114 identities" in real["notes"]
    assert Image.open(io.BytesIO(Path("pku.png").read_bytes())).format == "PNG"
