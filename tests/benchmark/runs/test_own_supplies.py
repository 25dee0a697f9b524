"""What a cell on a user's own set takes to a machine that has no file of it."""

import pickle
import shutil
from pathlib import Path

from crossres.benchmark import Cell, load_profile
from crossres.benchmark.records.cell import make_job
from crossres.benchmark.runs.data import SurveyRequest, build_pixels, open_data, survey
from crossres.benchmark.runs.supplies import fingerprint, packed, supplies_of, unpack
from crossres.datasets import Source, own_set
from tests.datasets.own_crops import PEOPLE, definition, station


def silent(phase, done, total):
    del phase, done, total


def job_of(folder: Path, **changes):
    card = own_set(definition(folder / "station.toml", **changes))
    source = Source(card.folder)
    request = SurveyRequest(card.id, source, folder / "cache", (0,), own=card)
    view = survey(request, silent)
    cell = Cell("plain", {}, card.id, view.protocol, view.source, 0, "smoke")
    profile = load_profile("smoke")
    return make_job(cell, "A", profile, source, folder / "cache", view.manifests[0], card)


def shipped(job, home: Path, place: Path):
    """The job on a machine that got what it is supplied with, when nothing of `home` is left."""
    supplies = supplies_of(job, build_pixels(job, silent))
    for name, folder in supplies.folders.items():
        for chunk in packed(folder, 1000):
            unpack(chunk, place / name)
        assert fingerprint(folder) == fingerprint(
            place / name if folder.is_dir() else next((place / name).iterdir())
        )
    shutil.rmtree(home)
    return supplies.moved(pickle.loads(pickle.dumps(job)), place)


def test_a_folder_and_its_definition(tmp_path):
    station(tmp_path / "home" / "crops")
    job = job_of(tmp_path / "home", lr_cameras=["north-gate"])
    raw, manifest, store = open_data(shipped(job, tmp_path / "home", tmp_path / "node"), silent)
    assert raw.folder.is_relative_to(tmp_path / "node")
    assert manifest.digest == job.manifest_digest
    assert store.digest
    assert raw.card.lr_cameras == (2,)


def test_a_list_goes_along(tmp_path):
    home = tmp_path / "home"
    station(home / "crops")
    rows = [
        f"day{shot}/{person}@{camera}@{shot}.png,{person},{camera}"
        for person in PEOPLE
        for camera in ("hall", "north-gate")
        for shot in (0, 1)
    ]
    (home / "list.csv").write_text("\n".join(["path,pid,camid", *rows]))
    job = job_of(home, pattern=None, csv="list.csv")
    _, manifest, _ = open_data(shipped(job, home, tmp_path / "node"), silent)
    assert manifest.digest == job.manifest_digest
