"""CAVIAR's LR camera is measured by majority over the persons, never assumed."""

import pytest
from PIL import Image

from crossres.datasets import InputError, Source, build_manifest, open_raw


def read(root):
    return open_raw("caviar", Source(root), root / "no-cache")


def test_the_smaller_camera_of_most_persons_is_lr(make, tmp_path):
    make("caviar", tmp_path)
    raw = read(tmp_path)
    assert raw.lr_camera == 2
    note = "LR camera 2 measured from image sizes: 80% of 5 two-camera identities agree"
    assert note in raw.notes
    assert note in build_manifest(raw).notes


def test_below_eighty_per_cent_is_refused(make, tmp_path):
    folder, truth = make("caviar", tmp_path)
    for image in truth:
        if image.pid == 4 and image.camid == 2:
            Image.new("RGB", (90, 200)).save(folder / image.path)
    with pytest.raises(InputError, match="only 60% of the identities agree on the LR camera"):
        read(tmp_path)


def test_the_first_camera_can_be_the_lr_one(make, tmp_path):
    folder, truth = make("caviar", tmp_path)
    for image in truth:
        Image.new("RGB", (20, 40) if image.camid == 1 else (40, 80)).save(folder / image.path)
    raw = read(tmp_path)
    assert raw.lr_camera == 1
    table = build_manifest(raw).table
    assert set(table[table["rate"] == 0]["camid"]) == {1}


def test_a_set_seen_by_one_camera_is_refused(make, tmp_path):
    folder, truth = make("caviar", tmp_path)
    for image in truth:
        if image.camid == 2:
            (folder / image.path).unlink()
    with pytest.raises(InputError, match="no person was seen by both cameras"):
        read(tmp_path)


def test_an_unreadable_header_is_named(make, tmp_path):
    folder, _ = make("caviar", tmp_path)
    (folder / "0002001.jpg").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"0002001\.jpg: not a whole JPEG"):
        read(tmp_path)
