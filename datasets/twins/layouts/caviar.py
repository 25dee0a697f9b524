"""CAVIAR4REID: CAVIARa/<pid4><index3>.jpg, images 1-10 of the first camera, 11-20 of the second.

The second camera is natively LR; sizes vary from image to image; some people have one camera only.
"""

from pathlib import Path

from crossres.datasets.base.draws import draw
from crossres.datasets.base.files import write_atomically
from crossres.datasets.readers import RawImage
from crossres.datasets.twins.drawing.optics import View
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.common import jpeg, write_files
from crossres.datasets.twins.sizes import Size

PER_CAMERA = 10
SWAPPED = 3
"""The one person whose second ten are the larger ones: which camera is LR is a majority vote."""


def plan(size: Size) -> list[Shot]:
    """Return `identities` people, the first `two_cameras` of them seen by both cameras."""
    return [
        _shot(size, pid, index)
        for pid in range(1, size.count("identities") + 1)
        for index in range(1, 1 + PER_CAMERA * (2 if pid <= size.count("two_cameras") else 1))
    ]


def _shot(size: Size, pid: int, index: int) -> Shot:
    camid = 1 if index <= PER_CAMERA else 2
    image = RawImage(f"{pid:04d}{index:03d}.jpg", pid, camid)
    is_lr = (camid == 2) != (pid == SWAPPED)
    return Shot(image, (pid,), _view(size, image.path, is_lr), image.path)


def _view(size: Size, path: str, is_lr: bool) -> View:
    """Draw the size: 0.8 to 1.2 times the nominal one for HR images, 0.32 to 0.45 for LR ones."""
    share = draw("twin-caviar-size", path) % 1000 / 1000
    factor = 0.32 + 0.13 * share if is_lr else 0.8 + 0.4 * share
    wider = 0.92 + 0.16 * (draw("twin-caviar-width", path) % 1000) / 1000
    return View(
        width=round(size.width * factor * wider),
        height=round(size.height * factor),
        optics=2.5 if is_lr else 1.0,
        nuisance=size.nuisance,
    )


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write CAVIARa, and beside it CAVIARb, the authors' second version, which nobody uses."""
    write_files(raw, pictures, jpeg)
    write_atomically(raw.parent / "CAVIARb" / "0001001.jpg", (raw / "0001001.jpg").read_bytes())
