"""The real PKU-Reid images: names, JPEG bytes under .png names, split and pixels."""

import numpy as np
import pytest

from crossres.datasets import Source, build_manifest, open_raw, open_store
from crossres.datasets.resampling.integer import downsample


@pytest.fixture(scope="module")
def raw(shared, tmp_path_factory):
    return open_raw("mlr-pku", Source(shared / "data"), tmp_path_factory.mktemp("cache"))


def test_the_raw_folder_is_as_described(raw):
    assert raw.folder.name == "PKUv1a_128x48"
    assert raw.source == "partial"
    assert len(raw.images) == 800
    assert len({image.pid for image in raw.images}) == 50
    assert {image.camid for image in raw.images} == {1, 2}
    assert raw.other_counts == ("50 of 114 identities", "800 of 1,824 images")
    assert raw.other_sizes == ()
    assert (raw.folder / raw.images[0].path).read_bytes()[:2] == b"\xff\xd8"


def test_the_split_looks_from_camera_two_to_one(raw):
    manifest = build_manifest(raw)
    sizes = {split: len(manifest.rows(split)) for split in ("train", "query", "gallery")}
    assert sizes == {"train": 400, "query": 200, "gallery": 200}
    assert set(manifest.rows("query")["camid"]) == {2}
    assert set(manifest.rows("gallery")["camid"]) == {1}
    assert (manifest.rows("query").groupby("pid").size() == 8).all()
    assert manifest.digest[:16] == "eb29ad355a387fac"


def test_the_store_of_real_images(raw, tmp_path):
    manifest = build_manifest(raw)
    store = open_store(raw, manifest, 128, 48, tmp_path)
    gallery, query = store.images("gallery"), store.images("query")
    assert gallery.std() > 20
    first = manifest.rows("query").iloc[0]
    from crossres.datasets.readers.pku import open_image

    native = open_image(raw.folder, first["path"])
    low = downsample(native, int(first["rate"]))
    assert low.shape == (128 // first["rate"], 48 // first["rate"], 3)
    # down-sampling loses detail: LR queries are smoother than HR gallery images
    assert np.abs(np.diff(query.astype(int), axis=2)).mean() < (
        0.8 * np.abs(np.diff(gallery.astype(int), axis=2)).mean()
    )
