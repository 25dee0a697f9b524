"""The pixels of drawn pictures: a change here asks for a new TWIN_VERSION.

Whole tiny twins, and the quick one of VIPeR, are compared as decoded from their files in
test_digests.py.
"""

import hashlib

import numpy as np
import PIL
import pytest
from PIL import Image

from crossres.datasets import CARDS, InputError
from crossres.datasets.twins import TWIN_VERSION, _picture, draw_twin, primitives
from crossres.datasets.twins.drawing.fleet import vehicle
from crossres.datasets.twins.drawing.optics import View
from crossres.datasets.twins.drawing.scenes import camera
from crossres.datasets.twins.drawing.vehicles import photograph_vehicle
from crossres.datasets.twins.layouts import layout
from crossres.datasets.twins.sizes import SIZES

SAMPLE = 12  # pictures of each twin that is too large to be drawn in a test
DIGESTS = {
    "tiny": {
        "caviar": "2dfa41af64b20241",
        "mlr-viper": "7ebde7c02b295a3f",
        "mlr-cuhk03": "29bd65aa39a1d4dc",
        "mlr-market": "42d96dd0a07ef71c",
        "mlr-sysu": "7479eefa094f6f3b",
        "mlr-pku": "1da40f4d70a603fa",
    },
    "quick": {
        "caviar": "978dbb90b6b9fe92",
        "mlr-market": "7298cc0d559bdf6f",
        "mlr-cuhk03": "c0eeeccc5348caf2",
        "mlr-viper": "da1cee47e88f3cbe",
        "mlr-sysu": "0a1594ee4bffe363",
        "mlr-pku": "325056acc483aef0",
        "mlr-duke": "5f170a9e3c0ea7b1",
        "mlr-vru": "0d6691e5250aaaca",
        "vric": "dd347a411d1815be",
    },
    "full": {
        "caviar": "a937b3e5ea278530",
        "mlr-market": "485a425f449e8485",
        "mlr-cuhk03": "5b2f0a8b15a64288",
        "mlr-viper": "45fb2c1c2f92d52c",
        "mlr-sysu": "85c14e41725c0c2a",
        "mlr-pku": "d2bc5f83ee1d87cb",
        "mlr-duke": "1d71a57d141fc217",
        "mlr-vru": "50f62e2f2e71a924",
        "vric": "ec6414c967541937",
    },
}


def digest(size, step=1):
    sha = hashlib.sha256()
    for shot in layout(CARDS[size.dataset].reader).plan(size)[::step]:
        sha.update(f"{shot.image.path} {shot.image.pid} {shot.image.camid}\n".encode())
        sha.update(_picture(size, shot).tobytes())
    return sha.hexdigest()[:16]


@pytest.mark.parametrize("dataset", sorted(DIGESTS["tiny"]))
def test_people_are_drawn_as_ever(dataset):
    assert TWIN_VERSION == 2
    assert digest(SIZES["tiny"][dataset]) == DIGESTS["tiny"][dataset]


@pytest.mark.parametrize("size", ["quick", "full"])
@pytest.mark.parametrize("dataset", sorted(CARDS))
def test_pictures_of_larger_twins_are_drawn_as_ever(dataset, size):
    entry = SIZES[size][dataset]
    step = len(layout(CARDS[dataset].reader).plan(entry)) // SAMPLE
    assert digest(entry, step) == DIGESTS[size][dataset]


def test_vehicles_are_drawn_as_ever():
    sha = hashlib.sha256()
    for pid in range(24):
        view = View(48 + pid, 60 - pid, tilt=(0, 0, 45)[pid % 3])
        picture = photograph_vehicle(vehicle("a set", pid), camera(0.1, "a set", 1), view, pid)
        sha.update(picture.tobytes())
    assert sha.hexdigest()[:16] == "ab8b8c4c48cf980a"


# --- another Pillow -------------------------------------------------------------------------------


def test_this_pillow_draws_as_the_published_table_says():
    primitives.drawn_digests.cache_clear()
    primitives.check_drawing()
    assert primitives.drawn_digests() == primitives._published()


@pytest.mark.parametrize(
    ("element", "break_it"),
    [
        (
            "polygons, outlined polygons",
            lambda patch: patch.setattr(primitives.ImageDraw.ImageDraw, "polygon", shifted_polygon),
        ),
        (
            "JPEG files",
            lambda patch: patch.setattr(primitives, "jpeg", lambda pixels: lossy(pixels)),
        ),
    ],
)
def test_a_pillow_that_draws_otherwise_is_refused_by_name(element, break_it, tmp_path, monkeypatch):
    monkeypatch.setattr(PIL, "__version__", "99.1")
    break_it(monkeypatch)
    primitives.drawn_digests.cache_clear()
    try:
        with pytest.raises(InputError) as caught:
            draw_twin("mlr-viper", tmp_path, "tiny")
    finally:
        primitives.drawn_digests.cache_clear()
    message = str(caught.value)
    assert message.startswith("Pillow 99.1 as installed here gives other pixels than twins of ")
    assert f"have ({element})" in message
    assert "pip install 'pillow>=11.2.1,<=12.3.0'" in message
    assert not list(tmp_path.iterdir())


polygon = primitives.ImageDraw.ImageDraw.polygon


def shifted_polygon(pen, points, fill=None, outline=None):
    """A polygon with its first corner one pixel further."""
    (x, y), *corners = points
    polygon(pen, [(x + 1, y), *corners], fill, outline)


def lossy(pixels):
    import io

    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(stream, "JPEG", quality=94, subsampling=0)
    return stream.getvalue()


def test_the_bound_of_pillow_is_that_of_the_table(repo_pyproject):
    assert primitives.KNOWN_SAME.split(",")[0] in repo_pyproject["project"]["dependencies"]


@pytest.fixture
def repo_pyproject():
    import tomllib
    from pathlib import Path

    text = (Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
