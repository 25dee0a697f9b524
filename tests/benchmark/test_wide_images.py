"""Which images of an artifact are natively wide: asked of the raw files, on vehicles alone."""

from pathlib import Path

import numpy as np
import pytest

from crossres.benchmark.config.profiles import load_profile
from crossres.benchmark.records.cell import Cell, Job, make_job
from crossres.benchmark.runs.cell import run_cell
from crossres.benchmark.runs.data import SurveyRequest, open_data, survey
from crossres.datasets import open_raw
from crossres.datasets.base.errors import InputError
from crossres.datasets.pixels.originals import natively_wide
from crossres.datasets.raw.source import Source
from crossres.datasets.readers.parts.listing import image_size
from crossres.methods.interface.registry import resolve_options

ARRAYS = {"query_wide", "top_wide"}


def silent(phase: str, done: int, total: int) -> None:
    del phase, done, total


def job_on(dataset: str, cache: Path) -> Job:
    source, profile = Source(size="tiny"), load_profile("smoke")
    view = survey(SurveyRequest(dataset, source, cache, (0,)), silent)
    options = resolve_options("plain", profile, {})
    cell = Cell("plain", options, dataset, view.protocol, view.source, 0, profile.name)
    return make_job(cell, "A row", profile, source, cache, view.manifests[0])


@pytest.mark.parametrize("dataset", ["mlr-vru", "vric"])
def test_a_cell_on_vehicles_says_which_images_are_wide(dataset: str, tmp_path: Path) -> None:
    job = job_on(dataset, tmp_path)
    arrays = run_cell(job, silent).artifact
    raw, manifest, store = open_data(job, silent)

    def wide(path: str) -> bool:
        width, height = image_size(raw.folder / path)
        return width > height

    assert len(arrays["query_names"]) > 1  # of mlr-vru, too, where no camera is known
    assert arrays["query_wide"].dtype == arrays["top_wide"].dtype == np.bool_
    assert arrays["query_wide"].tolist() == [wide(path) for path in arrays["query_names"]]
    assert arrays["top_wide"].shape == arrays["top_pids"].shape
    gallery = manifest.rows("gallery")["path"].tolist()
    pixels = [image.tobytes() for image in store.images("gallery")]
    by_pixels = dict(zip(pixels, gallery, strict=True))
    assert len(by_pixels) == len(gallery)
    for index in np.ndindex(arrays["top_wide"].shape):
        path = by_pixels[arrays["top_images"][index].tobytes()]
        assert arrays["top_wide"][index] == wide(path)
    flags = np.concatenate([arrays["query_wide"], arrays["top_wide"].ravel()])
    assert 0 < flags.sum() < len(flags)  # else nothing was compared


def test_a_cell_on_people_does_not(tmp_path: Path) -> None:
    arrays = run_cell(job_on("mlr-pku", tmp_path), silent).artifact
    assert not ARRAYS & set(arrays)
    assert "query_names" in arrays


def test_each_raw_file_is_read_once_and_an_unknown_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = open_raw("mlr-vru", Source(size="tiny"), tmp_path)
    paths = [image.path for image in raw.images[:3]]
    read = []

    def open_image(folder: Path, path: str) -> np.ndarray:
        assert folder == raw.folder
        read.append(path)
        return np.zeros((4, 5 if path == paths[1] else 4, 3), np.uint8)

    monkeypatch.setattr("crossres.datasets.readers.vru.open_image", open_image)
    assert natively_wide(raw, [*paths, paths[1]]).tolist() == [False, True, False, True]
    assert read == paths
    assert natively_wide(raw, []).shape == (0,)
    with pytest.raises(InputError, match=r"Pic/gone\.jpg: is in the manifest"):
        natively_wide(raw, ["Pic/gone.jpg"])
