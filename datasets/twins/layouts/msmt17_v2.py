"""MSMT17, version 2: the same names in mask_train_v2 and mask_test_v2.

Faces of the real one are masked; people drawn here have none that could be told, so that these
pictures are those of version 1.
"""

from dataclasses import replace

from crossres.datasets.readers import RawImage
from crossres.datasets.readers.msmt17 import VERSIONS
from crossres.datasets.twins.layouts import Shot, msmt17
from crossres.datasets.twins.layouts.msmt17 import write as write
from crossres.datasets.twins.sizes import Size

_FIRST, _SECOND = VERSIONS


def plan(size: Size) -> list[Shot]:
    """Return the images of version 1 where version 2 has them."""
    return [replace(shot, image=_moved(shot.image)) for shot in msmt17.plan(size)]


def _moved(image: RawImage) -> RawImage:
    folder, _, name = image.path.partition("/")
    of = {first: _SECOND[key] for key, first in _FIRST.items()}
    return replace(image, path=f"{of[folder]}/{name}", alias=image.path)
