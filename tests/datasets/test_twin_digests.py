"""The pixels of every tiny twin and of some vehicles: a change here asks for a new TWIN_VERSION."""

import hashlib

import PIL
import pytest

from datasets import CARDS
from datasets.twins import TWIN_VERSION, _picture
from datasets.twins.fleet import vehicle
from datasets.twins.layouts import layout
from datasets.twins.optics import View
from datasets.twins.scenes import camera
from datasets.twins.sizes import SIZES
from datasets.twins.vehicles import photograph_vehicle

PILLOW = "12"
DIGESTS = {
    "caviar": "947c9cc67b2cd738",
    "mlr-viper": "bf175612bcbb7ce2",
    "mlr-cuhk03": "04ffb28f79e4c378",
    "mlr-market": "ace1b54a304d41ab",
    "mlr-sysu": "f859a80de47e813d",
    "mlr-pku": "e375536b800181f0",
}

pytestmark = pytest.mark.skipif(
    PIL.__version__.split(".")[0] != PILLOW,
    reason=f"digests of Pillow {PILLOW}; another may fill other pixels of a polygon",
)


@pytest.mark.parametrize("dataset", sorted(DIGESTS))
def test_people_are_drawn_as_ever(dataset):
    assert TWIN_VERSION == 1
    size = SIZES["tiny"][dataset]
    sha = hashlib.sha256()
    for shot in layout(CARDS[dataset].reader).plan(size):
        sha.update(f"{shot.image.path} {shot.image.pid} {shot.image.camid}\n".encode())
        sha.update(_picture(size, shot).tobytes())
    assert sha.hexdigest()[:16] == DIGESTS[dataset]


def test_vehicles_are_drawn_as_ever():
    sha = hashlib.sha256()
    for pid in range(24):
        view = View(48 + pid, 60 - pid, tilt=(0, 0, 45)[pid % 3])
        seen = photograph_vehicle(vehicle("a set", pid), camera(0.1, "a set", 1), view, pid)
        sha.update(seen.tobytes())
    assert sha.hexdigest()[:16] == "ab8b8c4c48cf980a"
