"""`crossres search`: the nearest images of a folder, as JSON and as a page; what is refused."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import crossres
from crossres.benchmark.runs.search import SearchRequest, ranked
from crossres.methods.frozen import Frozen
from crossres.methods.interface.conformance import example_train_set, small_profile

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


def crop(path: Path, colour: tuple[int, int, int], seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(-25, 26, (40, 20, 3))
    Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three images of each colour in a gallery, one of each beside it."""
    folder = tmp_path_factory.mktemp("crops")
    for seed, (name, colour) in enumerate(COLOURS.items()):
        for number in range(3):
            crop(folder / "gallery" / name / f"{number} <b>.png", colour, 10 * seed + number)
        crop(folder / "queries" / f"{name}.png", colour, 100 + seed)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network, saved: colours survive its random weights."""
    folder = tmp_path_factory.mktemp("weights")
    method = Frozen(small_profile(Frozen), stage=1)
    method.fit(example_train_set(method.profile), crossres.Run(seed=0))
    method.save(folder)
    return folder


def search(*arguments: object) -> int:
    return crossres.main(["search", *map(str, arguments)])


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert search(*arguments, "--json") == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def test_the_nearest_images_are_those_alike(
    crops: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "search.html"
    where = "--gallery", crops / "gallery", "--weights", weights, "--out", out, "--top", 4
    content = answer(capsys, crops / "queries", *where)
    assert content["gallery_images"] == 9
    assert [Path(entry["query"]).stem for entry in content["queries"]] == ["blue", "green", "red"]
    for entry in content["queries"]:
        colour = Path(entry["query"]).stem
        assert [Path(m["path"]).parent.name for m in entry["matches"]][:3] == [colour] * 3
        distances = [match["distance"] for match in entry["matches"]]
        assert len(distances) == 4
        assert distances == sorted(distances)
    page = out.read_text(encoding="utf-8")
    assert "0 &lt;b&gt;.png" in page
    assert "<b>.png" not in page
    assert page.count("<img ") == 3 + 3 * 4
    assert "http" not in page.replace("http-equiv", "")
    first = page.partition("data:image/png;base64,")[2].partition('"')[0]
    assert b64decode(first).startswith(b"\x89PNG")


def test_an_image_does_not_find_itself(
    crops: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = crops / "gallery" / "red" / "1 <b>.png"
    where = "--gallery", crops / "gallery", "--weights", weights, "--out", tmp_path / "s.html"
    (entry,) = answer(capsys, query, *where)["queries"]
    assert len(entry["matches"]) == 8
    assert "red/1 <b>.png" not in {match["path"] for match in entry["matches"]}
    assert {match["path"] for match in entry["matches"][:2]} == {"red/0 <b>.png", "red/2 <b>.png"}


def test_queries_come_in_the_order_in_which_they_are_named(
    crops: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queries, red = crops / "queries", crops / "gallery" / "red"
    named = [queries / "red.png", queries / "blue.png", red, queries / "green.png"]
    where = "--gallery", crops / "gallery", "--weights", weights, "--out", tmp_path / "s.html"
    entries = answer(capsys, *named, queries / "blue.png", *where)["queries"]
    inside = [str(path) for path in sorted(red.iterdir())]
    expected = [str(named[0]), str(named[1]), *inside, str(named[3])]
    assert [entry["query"] for entry in entries] == expected


def test_a_released_model_needs_no_training(
    crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query, out = crops / "queries" / "red.png", tmp_path / "s.html"
    assert search(query, "--gallery", crops / "gallery", "--out", out) == 0
    text = capsys.readouterr().out
    assert "1 query in 9 images, by efficientnet-lite0, as it was trained by others" in text
    assert "red.png: red/" in text
    features = tmp_path / "f.npz"
    embed = "--model", "efficientnet-lite0", "--parts", "2", "--images", str(crops / "queries")
    assert crossres.main(["embed", *embed, "--out", str(features)]) == 0
    with np.load(features) as arrays:
        assert arrays["features"].shape == (3, 2 * 320)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["nobody.png"], "nobody.png: there is no such image or folder"),
        (["QUERY", "--gallery", "nowhere"], "there is no such folder"),
        (["QUERY", "--model", "timm:resnot"], "timm has no model 'resnot'"),
        (["QUERY", "--weights", "nowhere"], "nowhere"),
        (["QUERY", "--weights", "W", "--parts", "2"], "--parts belongs to --model"),
        (["QUERY", "--weights", "W", "--model", "x"], "not allowed with"),
        (["QUERY", "--top", "0"], "--top"),
        (["BROKEN"], "broken.png"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(
    arguments: list[str],
    fault: str,
    crops: Path,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((crops / "queries" / "red.png").read_bytes()[:60])
    names = {"QUERY": crops / "queries" / "red.png", "W": weights, "BROKEN": broken}
    gallery = [] if "--gallery" in arguments else ["--gallery", crops / "gallery"]
    out = tmp_path / "out" / "s.html"
    assert search(*(names.get(word, word) for word in arguments), *gallery, "--out", out) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("crossres: ")
    assert fault in error
    assert not out.exists()


def test_equal_images_are_equally_near_and_in_the_order_of_their_paths(
    weights: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    query = crop(tmp_path / "query.png", COLOURS["red"], 1)
    originals = [crop(tmp_path / "g" / f"{k:03}.png", COLOURS["red"], 2 + k) for k in range(40)]
    for copy in range(5):
        for k in rng.permutation(40):
            target = tmp_path / "g" / f"{k:03}-{copy}.png"
            target.write_bytes(originals[k].read_bytes())
    request = SearchRequest((query,), tmp_path / "g", weights, "cpu", 240)
    ((_, matches),) = [(r.query, r.matches) for r in ranked(request, lambda *_: None).rankings]
    distances: dict[str, set[float]] = {}
    for match in matches:
        distances.setdefault(match.image[1][:3], set()).add(match.distance)
    assert len(matches) == 240
    assert all(len(of_copies) == 1 for of_copies in distances.values())
    order = [(match.distance, match.image[1]) for match in matches]
    assert order == sorted(order)
