"""Pixels are those of the documented rule, image by image, whatever the number of threads."""

import json

import numpy as np
import pytest

from crossres.datasets import (
    CARDS,
    PROTOCOLS,
    InputError,
    Manifest,
    Source,
    build_manifest,
    open_raw,
    open_store,
)
from crossres.datasets.readers import reader
from crossres.datasets.resampling.integer import resample


def one_by_one(raw, path, rate, height, width):
    """An image of the store by the documented rule, without any batching."""
    image = reader(CARDS[raw.dataset].reader).open_image(raw.folder, path)
    if rate > 1:
        low = max(1, image.shape[0] // rate), max(1, image.shape[1] // rate)
        image = resample(image, *low, "bicubic")
    return resample(image, height, width, "bilinear")


def test_every_image_of_every_layout_is_right(dataset, make, tmp_path):
    if CARDS[dataset].protocol not in PROTOCOLS:
        pytest.skip(f"no protocol {CARDS[dataset].protocol}")
    make(dataset, tmp_path)
    raw = open_raw(dataset, Source(tmp_path), tmp_path)
    manifest = build_manifest(raw)
    store = open_store(raw, manifest, 48, 20, tmp_path / "cache")
    assert (store.height, store.width, store.manifest_digest) == (48, 20, manifest.digest)
    for split in ("train", "query", "gallery"):
        rows = manifest.rows(split)
        images = store.images(split)
        assert images.shape == (len(rows), 48, 20, 3)
        assert images.dtype == np.uint8
        for image, row in zip(images, rows.itertuples(), strict=True):
            assert np.array_equal(image, one_by_one(raw, row.path, row.rate, 48, 20))
    train = manifest.rows("train")
    hr = train[train["rate"] == 1]["path"]
    for rate in (2, 3, 4):
        variants = store.variants(rate)
        assert variants.shape == (len(hr), 48, 20, 3)
        for image, path in zip(variants, hr, strict=True):
            assert np.array_equal(image, one_by_one(raw, path, rate, 48, 20))


KERNELS = ["box", "bilinear", "bicubic", "lanczos", "cv2_linear_noaa", "cv2_cubic_noaa"]


def with_options(manifest, options, rates):
    """The split with options of the protocol, and the rates given in turn, from the first row."""
    table = manifest.table.assign(rate=[rates[row % len(rates)] for row in range(16)])
    return Manifest(manifest.dataset, f"mlr-sing[{options}]", 0, table)


def check_rows(store, raw, manifest, expected):
    """Every image and variant is expected(decoded image, rate)."""
    decode = reader(CARDS[raw.dataset].reader).open_image
    for split in ("train", "query", "gallery"):
        rows = manifest.rows(split)
        for image, row in zip(store.images(split), rows.itertuples(), strict=True):
            assert np.array_equal(image, expected(decode(raw.folder, row.path), row.rate))
    train = manifest.rows("train")
    for rate in (2, 3, 4):
        hr = train[train["rate"] == 1]["path"]
        for image, path in zip(store.variants(rate), hr, strict=True):
            assert np.array_equal(image, expected(decode(raw.folder, path), rate))


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_kernel_of_the_manifest_is_obeyed(kernel, viper):
    """At every rate there is; rate 0, natively LR, is only brought to the size of the input."""
    raw, manifest, cache = viper
    manifest = with_options(manifest, f"kernel={kernel}", [0, 1, 2, 3, 4, 6, 8])
    store = open_store(raw, manifest, 32, 16, cache)

    def expected(image, rate):
        if rate > 1:
            image = resample(image, image.shape[0] // rate, image.shape[1] // rate, kernel)
        return resample(image, 32, 16, "bilinear")

    check_rows(store, raw, manifest, expected)
    (file,) = cache.glob("pixels/*/store.json")
    entries = json.loads(file.read_text())
    assert set(entries["kernels"]) == {kernel, "bilinear"}
    assert entries["kernels"][kernel].startswith("mlr-")


@pytest.mark.parametrize("kernel", ["bicubic", "cv2_linear_noaa"])
def test_on_the_grid_of_the_input_images_are_brought_there_first(kernel, viper):
    raw, manifest, cache = viper
    manifest = with_options(manifest, f"grid=input,kernel={kernel}", [0, 1, 2, 3, 4, 6, 8])
    store = open_store(raw, manifest, 33, 17, cache)

    def expected(image, rate):
        image = resample(image, 33, 17, "bilinear")
        if rate > 1:
            small = resample(image, 33 // rate, 17 // rate, kernel)
            image = resample(small, 33, 17, "bilinear")
        return image

    check_rows(store, raw, manifest, expected)


def test_kernels_and_grids_are_stores_of_their_own(viper):
    raw, manifest, cache = viper
    rates = [1, 2, 3, 4]
    options = [f"kernel={kernel}" for kernel in KERNELS] + ["grid=input"]
    digests = {
        open_store(raw, with_options(manifest, option, rates), 32, 16, cache).digest
        for option in options
    }
    assert len(digests) == len(list((cache / "pixels").iterdir())) == 7


def test_unknown_kernels_and_grids_are_refused(viper):
    raw, manifest, cache = viper
    for option, message in [
        (
            "kernel=area",
            "unknown kernel 'area'; known are box, bilinear, bicubic, lanczos, cv2_lin",
        ),
        ("grid=output", "unknown grid 'output'; known are native, input"),
    ]:
        with pytest.raises(InputError, match=message):
            open_store(raw, with_options(manifest, option, [1]), 32, 16, cache)


# --- threads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_any_number_of_threads_gives_the_same(jobs, viper, monkeypatch, tmp_path):
    raw, manifest, cache = viper
    expected = open_store(raw, manifest, 32, 16, cache, jobs=1).digest
    monkeypatch.setattr("crossres.datasets.pixels.decoding._SLICE", 2)
    monkeypatch.setattr("crossres.datasets.pixels.decoding._DECODED_BYTES", 20_000)
    assert open_store(raw, manifest, 32, 16, tmp_path / "x", jobs=jobs).digest == expected


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_first_bad_image_is_the_one_named(jobs, viper, monkeypatch):
    raw, manifest, cache = viper
    monkeypatch.setattr("crossres.datasets.pixels.decoding._SLICE", 1)
    paths = [manifest.table["path"].iloc[row] for row in (5, 9, 15)]
    for path in paths:
        (raw.folder / path).write_bytes(b"no image")
    with pytest.raises(InputError) as caught:
        open_store(raw, manifest, 32, 16, cache, jobs=jobs)
    assert str(raw.folder / paths[0]) in str(caught.value)
