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
        "caviar": "ca0b75fdf8b22436",
        "mlr-viper": "62d76b69203c2909",
        "mlr-cuhk03": "56a5192bf2f874c7",
        "mlr-market": "69297f04267d1b07",
        "mlr-sysu": "7818d33db04f2214",
        "mlr-pku": "95024c02e8737382",
    },
    "quick": {
        "caviar": "c1c035d1a8116445",
        "mlr-market": "80c7154fac4bdfff",
        "mlr-cuhk03": "c7c7ea1f468d422e",
        "mlr-viper": "fe31cf0626d4d536",
        "mlr-sysu": "b912f283277358bb",
        "mlr-pku": "009b94fc15eb2c20",
        "mlr-duke": "fe170bcc9fb87c90",
        "mlr-vru": "eb0a0fe795f44ca5",
        "vric": "bb220fee4a05c9ba",
        "mlr-msmt17": "81d2e0724cdbc674",
        "mlr-veri": "3efaf3a1b099f7aa",
    },
    "full": {
        "caviar": "d686ea7a77192598",
        "mlr-market": "fd86a57a94d5c55a",
        "mlr-cuhk03": "70ade865eb41aa5c",
        "mlr-viper": "2cb3ad34c79286d6",
        "mlr-sysu": "1236b062969bfa23",
        "mlr-pku": "7130d148b4a8166e",
        "mlr-duke": "c476f17a507fa5dd",
        "mlr-vru": "86b613e8db5df134",
        "vric": "5a5f6d2f9a16e39c",
        "mlr-msmt17": "097c0571782a1506",
        "mlr-veri": "a232cfb6d9ee0f6e",
    },
}


def digest(size, sample=None):
    """That of all pictures, or of so many or a few more, at equal steps."""
    sha = hashlib.sha256()
    shots = layout(CARDS[size.dataset].reader).plan(size)
    for shot in shots[:: len(shots) // sample if sample else 1]:
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
    assert digest(SIZES[size][dataset], SAMPLE) == DIGESTS[size][dataset]


def test_vehicles_are_drawn_as_ever():
    sha = hashlib.sha256()
    for pid in range(24):
        view = View(48 + pid, 60 - pid, tilt=(0, 0, 45)[pid % 3])
        picture = photograph_vehicle(vehicle("a set", pid), camera(0.1, "a set", 1), view, pid)
        sha.update(picture.tobytes())
    assert sha.hexdigest()[:16] == "f4d2521178c18582"


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
