"""Twins: people and vehicles, drawn in exactly the raw layouts of the real sets.

`draw_twin` writes one, `truth` says what a reader must find in it; docs/twins.md tells the rest.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.arguments import as_function, as_path
from crossres.datasets.base.bounds import checked_seeds
from crossres.datasets.base.draws import draw
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import replace_folder
from crossres.datasets.base.progress import Report, silent
from crossres.datasets.cards import card
from crossres.datasets.readers import RawImage
from crossres.datasets.readers.parts.listing import MARKER
from crossres.datasets.twins.drawing.fleet import Vehicle, vehicle
from crossres.datasets.twins.drawing.pedestrians import photograph
from crossres.datasets.twins.drawing.people import Person, person
from crossres.datasets.twins.drawing.scenes import Camera, camera
from crossres.datasets.twins.drawing.vehicles import photograph_vehicle
from crossres.datasets.twins.layouts import Names, Shot, layout_of
from crossres.datasets.twins.layouts.common import write_file
from crossres.datasets.twins.primitives import check_drawing
from crossres.datasets.twins.sizes import SIZES, TWIN_VERSION, Size, size_of

__all__ = ["SIZES", "TWIN_VERSION", "draw_twin", "truth"]

UAVS = 5


def draw_twin(
    dataset: str,
    folder: Path | str,
    size: str = "quick",
    progress: Report = silent,
    layout: str | None = None,
    seed: int = 0,
) -> None:
    """Draw the twin of a data set into `folder`/<usual name of the raw folder>.

    `layout` names another than the usual one, one of `OTHERS` in datasets/twins/layouts; each
    `seed` is of other people or vehicles, and cameras, under the same file names. The same size,
    layout, seed and TWIN_VERSION give the same bytes. `progress(done, total)` counts images. The
    raw folder is there whole or not at all. Raises InputError on an unknown data set, size or
    layout, when the raw folder is there already, when the place cannot be written, or when the
    Pillow installed here draws other pixels.
    """
    (seed,) = checked_seeds((seed,), "seed of a twin")
    entry = replace(size_of(dataset, size), seed=seed)
    progress = as_function(progress, "progress")
    module, name = layout_of(dataset, layout)
    raw = as_path(folder, "folder") / name
    if raw.exists():
        raise InputError(f"{raw}: exists already; remove it or give another folder")
    check_drawing()
    marker: dict[str, str | int] = {"twin": dataset, "size": size, "version": TWIN_VERSION}
    if layout is not None:
        marker["layout"] = layout
    if seed:
        marker["seed"] = seed
    with replace_folder(raw) as temporary:
        module.write(temporary, entry, _pictures(entry, module.plan(entry), progress))
        write_file(temporary / MARKER, (json.dumps(marker, indent=1) + "\n").encode())


def truth(dataset: str, size: str, layout: str | None = None) -> list[RawImage]:
    """Return the images that a reader must find in the twin, sorted by path."""
    module, _ = layout_of(dataset, layout)
    shots = module.plan(size_of(dataset, size))
    images = [image for shot in shots for image in (shot.image, *shot.also)]
    return sorted(images, key=lambda image: image.path)


def _pictures(
    size: Size, shots: list[Shot], progress: Report
) -> Iterator[tuple[Shot, NDArray[np.uint8]]]:
    for done, shot in enumerate(shots, start=1):
        yield shot, _picture(size, shot)
        progress(done, len(shots))


def _picture(size: Size, shot: Shot) -> NDArray[np.uint8]:
    dataset_card, names = card(size.dataset), (size.population, shot.drawn_as)
    if dataset_card.subject == "person":
        taken_by = _camera(size.cast, size.population, shot.image.camid)
        return photograph(_person(size.population, shot.subject), taken_by, shot.view, *names)
    taken_by = _camera(size.cast, size.population, _flown(shot))
    return photograph_vehicle(_vehicle(size.population, shot.subject), taken_by, shot.view, *names)


def _flown(shot: Shot) -> int:
    """Return the camera of a vehicle: one of five UAVs by hash where the set tells none."""
    camid = shot.image.camid
    return camid if camid >= 0 else draw("twin-uav", shot.drawn_as) % UAVS


@lru_cache(maxsize=4096)
def _person(population: str, names: Names) -> Person:
    return person(population, *names)


@lru_cache(maxsize=4096)
def _vehicle(population: str, names: Names) -> Vehicle:
    return vehicle(population, *names)


@lru_cache(maxsize=256)
def _camera(cast: float, population: str, camid: int) -> Camera:
    return camera(cast, population, camid)
