"""Twins: readers find exactly what was drawn; the same size and version is the same bytes."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.datasets import CARDS, InputError, Source, build_manifest, draw_twin, open_raw
from crossres.datasets.readers import reader
from crossres.datasets.readers.parts.listing import MARKER
from crossres.datasets.twins import SIZES, TWIN_VERSION, truth
from crossres.datasets.twins.layouts import layout

SETS = list(CARDS)
REPOSITORY = Path(__file__).parents[3]
DIGESTS = """
import hashlib, sys
from pathlib import Path
from crossres.datasets import draw_twin
for dataset in sys.argv[2:]:
    draw_twin(dataset, Path(sys.argv[1]) / dataset, "tiny")
"""


def bytes_of(folder: Path) -> dict[str, str]:
    """Every file below the folder, by its relative path, as a hash."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny twin of every set in a folder of its name."""
    root = tmp_path_factory.mktemp("tiny")
    for dataset in SETS:
        draw_twin(dataset, root / dataset, "tiny")
    return root


@pytest.mark.parametrize("dataset", SETS)
def test_readers_find_what_was_drawn(dataset, tiny, tmp_path):
    raw = open_raw(dataset, Source(tiny / dataset), tmp_path)
    assert list(raw.images) == truth(dataset, "tiny")
    assert raw.source == f"twin:tiny:{TWIN_VERSION}"
    assert raw.folder.name == CARDS[dataset].folder


@pytest.mark.parametrize("dataset", SETS)
def test_every_image_opens_at_the_size_that_was_planned(dataset, tiny, tmp_path):
    raw = open_raw(dataset, Source(tiny / dataset), tmp_path)
    shots = layout(CARDS[dataset].reader).plan(SIZES["tiny"][dataset])
    opened = reader(CARDS[dataset].reader).open_image
    for shot in shots:
        pixels = opened(raw.folder, shot.image.path)
        assert pixels.shape == (shot.view.height, shot.view.width, 3)
        assert pixels.std() > 5


@pytest.mark.parametrize("dataset", SETS)
def test_default_protocol_can_split_it(dataset, tiny, tmp_path):
    manifest = build_manifest(open_raw(dataset, Source(tiny / dataset), tmp_path))
    assert all(len(manifest.rows(split)) > 0 for split in ("train", "query", "gallery"))


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_same_bytes_in_another_process(tiny, tmp_path, hash_seed):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run(
        [sys.executable, "-c", DIGESTS, str(tmp_path), *reversed(SETS)],
        env=environment,
        cwd=tmp_path,
        check=True,
    )
    assert bytes_of(tmp_path) == bytes_of(tiny)


def test_no_two_images_are_equal_but_the_planned_pairs(tiny):
    """Planned are one pair of PKU-Reid, and each query of VeRi with its copy in the gallery."""
    queries = sum(image.part == "query" for image in truth("mlr-veri", "tiny"))
    planned = {"mlr-pku": 1, "mlr-veri": queries}
    for dataset in SETS:
        files = [path for path in (tiny / dataset).rglob("*") if path.suffix in (".jpg", ".png")]
        files = [path for path in files if path.parent.name not in ("CAVIARb", "gt_bbox")]
        contents = {path.read_bytes() for path in files}
        assert len(files) - len(contents) == planned.get(dataset, 0)


@pytest.mark.parametrize(
    ("dataset", "count"),
    [("caviar", "identities"), ("mlr-sysu", "identities"), ("mlr-pku", "identities")],
)
def test_one_identity_more_changes_no_other(dataset, count):
    size = SIZES["tiny"][dataset]
    larger = replace(size, counts={**size.counts, count: size.count(count) + 1})
    plan = layout(CARDS[dataset].reader).plan
    assert set(plan(size)) < set(plan(larger))


def test_marker_says_what_was_drawn(tiny):
    for dataset in SETS:
        marker = tiny / dataset / CARDS[dataset].folder / MARKER
        expected = {"twin": dataset, "size": "tiny", "version": TWIN_VERSION}
        assert json.loads(marker.read_text()) == expected


@pytest.mark.parametrize("dataset", SETS)
def test_another_seed_shows_others_under_the_same_names(dataset, tiny, tmp_path):
    draw_twin(dataset, tmp_path, "tiny", seed=1)
    marker = json.loads((tmp_path / CARDS[dataset].folder / MARKER).read_text())
    assert marker["seed"] == 1
    first, second = bytes_of(tiny / dataset), bytes_of(tmp_path)
    assert first.keys() == second.keys()
    same = [path for path in first if first[path] == second[path]]
    assert not [path for path in same if path.endswith((".jpg", ".png", ".bmp", ".mat"))]


def test_progress_counts_every_image(tmp_path):
    reports = []
    draw_twin("mlr-viper", tmp_path, "tiny", lambda done, total: reports.append((done, total)))
    assert reports == [(done, 48) for done in range(1, 49)]


def test_refusals_name_the_remedy(tmp_path):
    with pytest.raises(InputError, match="known are tiny, quick"):
        draw_twin("mlr-viper", tmp_path, "huge")
    with pytest.raises(InputError, match="mlr-vipper"):
        draw_twin("mlr-vipper", tmp_path, "tiny")
    (tmp_path / "VIPeR").mkdir()
    with pytest.raises(InputError, match="VIPeR: exists already"):
        draw_twin("mlr-viper", tmp_path, "tiny")
    assert list((tmp_path / "VIPeR").iterdir()) == []


def test_source_draws_the_twin_when_it_is_needed(tmp_path):
    first = open_raw("mlr-sysu", Source(size="tiny"), tmp_path)
    stamp = (first.folder / MARKER).stat().st_mtime_ns
    reopened = open_raw("mlr-sysu", Source(size="tiny"), tmp_path)
    assert reopened == first
    assert (reopened.folder / MARKER).stat().st_mtime_ns == stamp
