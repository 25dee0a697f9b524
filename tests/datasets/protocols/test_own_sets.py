"""How protocols split users' own sets: with cameras, without, natively LR, as given."""

from pathlib import Path

import pytest

from crossres.datasets import InputError, Source, build_manifest, camera_sweep, open_raw, own_set
from crossres.datasets.protocols.applicable import applying
from tests.datasets.own_crops import CAMERAS, PATTERN, PEOPLE, crop, definition, station

NO_CAMERA = r"[^/]+/(?P<pid>[a-z]+)@[a-z-]+@\d+\.png"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    station(folder / "crops", cameras=(*CAMERAS, "roof"))
    station(folder / "two")
    return folder


def opened(folder, **changes):
    return open_raw(own_set(definition(folder / "station.toml", **changes)), Source(), folder)


def test_the_lr_cameras_of_a_definition_are_down_sampled(folder):
    raw = opened(folder, lr_cameras=["hall", "roof"])
    table = build_manifest(raw).table
    lr = table[table["rate"] > 1]
    assert set(lr["camid"]) == {1, 3}
    assert set(table["camid"][table["rate"] == 1]) == {2}
    assert camera_sweep(raw) == tuple(f"mlr-sing[lr_camera={camid}]" for camid in (1, 2, 3))


def test_half_of_the_identities_train(folder):
    manifest = build_manifest(opened(folder, root="two"))
    counts = {split: manifest.rows(split)["pid"].nunique() for split in ("train", "query")}
    assert counts == {"train": 4, "query": 4}
    assert manifest.dataset == "station"


def test_where_the_folder_lies_is_no_part_of_the_split(folder, tmp_path):
    manifest = build_manifest(opened(folder, root="two"), seed=3)
    station(tmp_path / "moved" / "crops")
    moved = open_raw(own_set(definition(tmp_path / "moved" / "x.toml")), Source(), tmp_path)
    assert build_manifest(moved, seed=3).digest == manifest.digest
    elsewhere = open_raw(own_set(folder / "station.toml"), Source(tmp_path / "moved/crops"), folder)
    assert build_manifest(elsewhere, seed=3).digest == manifest.digest


def test_without_cameras(folder):
    raw = opened(folder, pattern=NO_CAMERA, protocol="mlr-uniform")
    manifest = build_manifest(raw)
    assert set(manifest.table["camid"]) == {-1}
    assert manifest.rows("gallery")["pid"].is_unique
    assert set(manifest.rows("gallery")["rate"]) == {1}
    assert set(manifest.rows("query")["rate"]) <= {2, 3, 4}
    assert len(manifest.rows("query")) == 4 * 5
    assert set(manifest.rows("train")["rate"]) == {1, 2, 3, 4}
    assert manifest.digest != build_manifest(raw, seed=1).digest
    assert applying(raw) == ["mlr-uniform"]
    defaults = "kernel=bicubic,grid=native,validation=false,splits=hash,distractors=true"
    assert build_manifest(raw, f"mlr-uniform[{defaults}]").digest == manifest.digest
    few = build_manifest(raw, "mlr-uniform[test_ids=2,train_ids=3]")
    assert few.rows("query")["pid"].nunique() == 2
    assert few.rows("train")["pid"].nunique() == 3
    validation = build_manifest(raw, "mlr-uniform[validation=true]")
    assert set(validation.table["pid"]) <= set(manifest.rows("train")["pid"])
    with pytest.raises(InputError, match="two cameras, but of station it tells no cameras; use"):
        build_manifest(raw, "mlr-sing")


def test_without_cameras_but_with_lists_of_its_own(tmp_path):
    for split, pids in {"train": "abc", "query": "xy", "gallery": "xyz"}.items():
        for pid in pids:
            crop(tmp_path / "crops" / split / pid / f"{split}.png")
    raw = opened(tmp_path, pattern=None, folders=["split", "pid"], protocol="mlr-uniform")
    manifest = build_manifest(raw)
    assert sorted(manifest.rows("query")["pid"]) == [4, 5]
    assert sorted(manifest.rows("gallery")["pid"]) == [4, 5, 6]
    assert set(manifest.rows("gallery")["rate"]) == {1}
    assert min(manifest.rows("query")["rate"]) > 1


def test_no_identity_before_two_cameras(tmp_path):
    station(tmp_path / "crops", PEOPLE[:4], ["hall"])
    station(tmp_path / "crops", PEOPLE[4:], ["gate"])
    raw = opened(tmp_path)
    for protocol in ("mlr-sing", "mlr-perid"):
        message = f"{protocol} needs identities that were seen by two cameras.*leave the camera out"
        with pytest.raises(InputError, match=message):
            build_manifest(raw, protocol)
    with pytest.raises(InputError, match="tells them: use mlr-sing or mlr-perid"):
        build_manifest(raw, "mlr-uniform")


def test_natively_lr_images_are_queries_as_they_are(folder):
    raw = opened(folder, root="two", natively_lr=["hall"])
    manifest = build_manifest(raw)
    assert set(manifest.rows("query")["rate"]) == {0}
    assert set(manifest.rows("query")["camid"]) == {1}
    assert set(manifest.rows("gallery")["rate"]) == {1}
    for protocol, message in {
        "mlr-perid": "use mlr-sing",
        "fixed-r": "no rate can be fixed",
        "mlr-sing[balanced=true]": "is natively LR",
    }.items():
        with pytest.raises(InputError, match=message):
            build_manifest(raw, protocol)


def test_a_manifest_is_taken_as_it_is(folder):
    original = build_manifest(opened(folder, root="two", protocol="mlr-perid[kernel=box]"), seed=5)
    original.write(folder / "split.csv")
    changes = {"id": "copy", "root": "two", "pattern": None, "protocol": None}
    raw = opened(folder, manifest="split.csv", **changes)
    assert raw.card.protocol == "given[kernel=box]"
    manifest = build_manifest(raw)
    assert manifest.table.equals(original.table)
    assert manifest.kernel == "box"
    assert build_manifest(raw, seed=9).table.equals(original.table)
    with pytest.raises(InputError, match="unknown option 'validation'"):
        build_manifest(raw, "given[validation=true]")


def test_given_needs_a_list_that_tells_all(folder):
    with pytest.raises(
        InputError, match=r"needs a list that tells split .* and rate of each image"
    ):
        build_manifest(opened(folder), "given")
    (folder / "some.csv").write_text(
        "path,pid,split,rate\nday0/alice@hall@0.png,a,train,1\nday0/bob@hall@0.png,b,query,2\n"
    )
    raw = opened(folder, pattern=None, csv="some.csv", protocol="given")
    with pytest.raises(InputError, match="no image of the split gallery"):
        build_manifest(raw)


def test_protocols_of_other_sets_are_refused(folder):
    raw = opened(folder)
    assert applying(raw) == ["mlr-sing", "mlr-perid", "mlr-multi", "fixed-r"]
    assert PATTERN in raw.card.layout


def test_protocols_of_own_sets_are_refused_to_others(tmp_path):
    raw = open_raw("mlr-vru", Source(size="tiny"), tmp_path)
    with pytest.raises(InputError, match="sets of your own that tell no cameras; mlr-vru is none"):
        build_manifest(raw, "mlr-uniform")
    with pytest.raises(InputError, match="given needs a list"):
        build_manifest(raw, "given")
