"""The pixel store holds what decoding and resampling one image at a time gives, or is rebuilt."""

import json
import logging
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

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

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def viper(make, tmp_path):
    """(raw, manifest, cache) of a small VIPeR."""
    make("mlr-viper", tmp_path / "raw")
    raw = open_raw("mlr-viper", Source(tmp_path / "raw"), tmp_path / "cache")
    return raw, build_manifest(raw), tmp_path / "cache"


def stores(cache):
    return sorted((cache / "pixels").glob("*"))


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
    entries = json.loads((stores(cache)[0] / "store.json").read_text())
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
    assert len(digests) == len(stores(cache)) == 7


def test_spelling_the_defaults_out_changes_no_pixel(viper):
    raw, manifest, cache = viper
    spelled = Manifest("mlr-viper", "mlr-sing[grid=native,kernel=bicubic]", 0, manifest.table)
    assert open_store(raw, spelled, 32, 16, cache).digest[:16] == GOLDEN_DIGEST


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


def test_chunks_do_not_show(viper, monkeypatch, tmp_path):
    raw, manifest, cache = viper
    digest = open_store(raw, manifest, 32, 16, cache).digest
    monkeypatch.setattr("crossres.datasets.pixels.plan.CHUNK", 3)
    assert open_store(raw, manifest, 32, 16, tmp_path / "other").digest == digest


def test_it_is_built_once(viper, monkeypatch):
    raw, manifest, cache = viper
    first = open_store(raw, manifest, 32, 16, cache)

    def decode_nothing(*_args):
        raise AssertionError("decoded again")

    monkeypatch.setattr("crossres.datasets.readers.viper.open_image", decode_nothing)
    assert open_store(raw, manifest, 32, 16, cache).digest == first.digest
    assert len(stores(cache)) == 1
    assert sorted(path.name for path in stores(cache)[0].iterdir()) == ["pixels.npy", "store.json"]


def test_the_pixels_of_a_store_stay_what_they_were(viper):
    """BMP in, integers throughout: the same on every machine."""
    raw, manifest, cache = viper
    store = open_store(raw, manifest, 32, 16, cache)
    assert store.digest[:16] == GOLDEN_DIGEST


GOLDEN_DIGEST = "39cc5b560ab452c8"


def test_the_digest_is_of_the_pixels_alone(viper, make, tmp_path):
    raw, manifest, cache = viper
    store = open_store(raw, manifest, 32, 16, cache)
    make("mlr-viper", tmp_path / "copy")
    for file in (tmp_path / "copy").rglob("*.bmp"):
        os.utime(file, (1, 1))
    copy = open_raw("mlr-viper", Source(tmp_path / "copy"), cache)
    copied = open_store(copy, build_manifest(copy), 32, 16, cache)
    assert copied.digest == store.digest
    assert len(stores(cache)) == 2


def test_other_sizes_splits_and_sources_are_other_stores(viper):
    raw, manifest, cache = viper
    digests = {
        open_store(raw, manifest, 32, 16, cache).digest,
        open_store(raw, manifest, 16, 32, cache).digest,
        open_store(raw, build_manifest(raw, seed=1), 32, 16, cache).digest,
    }
    file = raw.folder / raw.images[0].path
    shutil.copy(raw.folder / raw.images[1].path, file)
    digests.add(open_store(raw, manifest, 32, 16, cache).digest)
    assert len(digests) == len(stores(cache)) == 4


def flip_a_pixel(store):
    content = bytearray((store / "pixels.npy").read_bytes())
    content[-7] ^= 1
    (store / "pixels.npy").write_bytes(content)


def cut_the_file(store):
    content = (store / "pixels.npy").read_bytes()
    (store / "pixels.npy").write_bytes(content[: len(content) // 2])


def another_shape(store):
    np.save(store / "pixels.npy", np.zeros((3, 32, 16, 3), np.uint8))


def a_pickle(store):
    np.save(store / "pixels.npy", np.array([{"a": 1}], dtype=object))


def no_json(store):
    (store / "store.json").unlink()


def not_json(store):
    (store / "store.json").write_text("{")


def a_list(store):
    (store / "store.json").write_text("[]")


def old_version(store):
    entries = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps({**entries, "store": 0}))


def foreign(store):
    entries = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps({**entries, "manifest": "0" * 64}))


def a_file(store):
    shutil.rmtree(store)
    store.write_text("not a folder")


DAMAGES = [flip_a_pixel, cut_the_file, another_shape, a_pickle, no_json, not_json, a_list]


@pytest.mark.parametrize("damage", [*DAMAGES, old_version, foreign, a_file])
def test_a_damaged_or_foreign_store_is_reported_and_built_again(damage, viper, caplog):
    raw, manifest, cache = viper
    good = open_store(raw, manifest, 32, 16, cache)
    expected = good.images("train").copy()
    (folder,) = stores(cache)
    damage(folder)
    with caplog.at_level(logging.WARNING, logger="crossres.datasets"):
        rebuilt = open_store(raw, manifest, 32, 16, cache)
    assert rebuilt.digest == good.digest
    assert np.array_equal(rebuilt.images("train"), expected)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(folder) in caplog.text
    assert "building it again" in caplog.text
    assert stores(cache) == [folder]


def test_an_image_that_cannot_be_decoded_leaves_no_store(viper):
    raw, manifest, cache = viper
    bad = raw.folder / manifest.table["path"].iloc[-1]
    bad.write_bytes(bad.read_bytes()[:5000])
    with pytest.raises(InputError, match=bad.name):
        open_store(raw, manifest, 32, 16, cache)
    assert stores(cache) == []


def bomb(width, height):
    """A PNG of less than a megabyte that unpacks to a black picture of this size."""

    def block(name, content):
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    packer = zlib.compressobj(9)
    first, repeated = (
        packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    zeros = first + repeated * (3 * width * height >> 20)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    blocks = block(b"IHDR", head) + block(b"IDAT", zeros) + block(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + blocks


def test_a_decompression_bomb_is_named_in_one_line(viper):
    raw, manifest, cache = viper
    bad = raw.folder / manifest.table["path"].iloc[3]
    bad.write_bytes(bomb(20_000, 10_000))
    assert bad.stat().st_size < 1_000_000
    with pytest.raises(InputError) as caught:
        open_store(raw, manifest, 32, 16, cache)
    assert str(bad) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert stores(cache) == []


def test_a_manifest_of_other_images_is_refused(viper):
    raw, manifest, cache = viper
    table = manifest.table.replace({"path": {raw.images[0].path: "cam_a/999_0.bmp"}})
    foreign_manifest = Manifest("mlr-viper", "mlr-sing", 0, table)
    with pytest.raises(InputError, match=r"999_0\.bmp: is in the manifest, but not in the raw"):
        open_store(raw, foreign_manifest, 32, 16, cache)
    (raw.folder / raw.images[0].path).unlink()
    with pytest.raises(InputError, match="cannot be read"):
        open_store(raw, manifest, 32, 16, cache)


def test_the_kernels_refusal_leaves_nothing(viper):
    """A real limit on file sizes, in a process of its own: an error, no signal, no remains."""
    raw, _, cache = viper
    code = (
        "import resource, sys, pathlib\nfrom crossres import datasets as d\n"
        "root, cache = map(pathlib.Path, sys.argv[1:])\n"
        "raw = d.open_raw('mlr-viper', d.Source(root), cache)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try: d.open_store(raw, d.build_manifest(raw), 64, 32, cache)\n"
        "except d.InputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(raw.folder), str(cache)]
    process = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPO)
    assert "cannot be written (File too large)" in process.stdout
    assert stores(cache) == []


def test_processes_that_build_at_once_share_one_store(viper):
    raw, manifest, cache = viper
    code = (
        "import sys, pathlib\nfrom crossres import datasets as d\n"
        "root, cache = map(pathlib.Path, sys.argv[1:])\n"
        "raw = d.open_raw('mlr-viper', d.Source(root), cache)\n"
        "print(d.open_store(raw, d.build_manifest(raw), 64, 32, cache).digest)\n"
    )
    command = [sys.executable, "-c", code, str(raw.folder), str(cache)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPO) for _ in range(3)
    ]
    digests = {process.communicate()[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert digests == {open_store(raw, manifest, 64, 32, cache).digest}
    assert len(stores(cache)) == 1


def test_progress_counts_every_image(viper, monkeypatch):
    raw, manifest, cache = viper
    monkeypatch.setattr("crossres.datasets.pixels.plan.CHUNK", 5)
    calls = []
    open_store(raw, manifest, 32, 16, cache, lambda done, total: calls.append((done, total)))
    assert calls == [(0, 16), (5, 16), (10, 16), (15, 16), (16, 16)]


def test_the_arrays_are_read_only_maps(viper):
    raw, manifest, cache = viper
    images = open_store(raw, manifest, 32, 16, cache).images("gallery")
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_unknown_parts_and_sizes_are_refused(viper):
    raw, manifest, cache = viper
    store = open_store(raw, manifest, 32, 16, cache)
    with pytest.raises(InputError, match="no part 'test'; it has train, query, gallery"):
        store.images("test")
    with pytest.raises(InputError, match="no part '5'; it has 2, 3, 4"):
        store.variants(5)
    with pytest.raises(InputError, match="height: give a whole number from 1, not 0"):
        open_store(raw, manifest, 0, 16, cache)
    with pytest.raises(InputError, match="jobs: give a whole number from 1, not 0"):
        open_store(raw, manifest, 32, 16, cache, jobs=0)
