"""A pixel store is built once and opened as it was built; a damaged one is built again."""

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

from crossres.datasets import InputError, Manifest, Source, build_manifest, open_raw, open_store

REPO = Path(__file__).resolve().parents[3]


def stores(cache):
    return sorted((cache / "pixels").glob("*"))


def test_spelling_the_defaults_out_changes_no_pixel(viper):
    raw, manifest, cache = viper
    spelled = Manifest("mlr-viper", "mlr-sing[grid=native,kernel=bicubic]", 0, manifest.table)
    assert open_store(raw, spelled, 32, 16, cache).digest[:16] == GOLDEN_DIGEST


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


# --- opening without reading all of it ------------------------------------------------------------


@pytest.fixture
def expected(viper, tmp_path):
    """The digest of the store as it is built in another cache."""
    raw, manifest, _ = viper
    return open_store(raw, manifest, 32, 16, tmp_path / "intact").digest


def no_reading(monkeypatch):
    def read(*_args):
        raise AssertionError("read in full")

    monkeypatch.setattr("crossres.datasets.pixels.store._sha256", read)


def test_a_checked_store_is_opened_without_reading_it(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    open_store(raw, manifest, 32, 16, cache)
    no_reading(monkeypatch)
    assert open_store(raw, manifest, 32, 16, cache, checked=True).digest == expected
    with pytest.raises(AssertionError, match="read in full"):
        open_store(raw, manifest, 32, 16, cache)


def test_a_store_touched_since_it_was_checked_is_read_in_full(viper, expected, caplog):
    raw, manifest, cache = viper
    open_store(raw, manifest, 32, 16, cache)
    file = stores(cache)[0] / "pixels.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    with file.open("r+b") as stream:
        stream.write(content)
    with caplog.at_level(logging.WARNING, logger="crossres.datasets"):
        assert open_store(raw, manifest, 32, 16, cache, checked=True).digest == expected
    assert "do not match their digest; building it again" in caplog.text


def test_a_store_stays_where_a_full_disk_takes_no_note_of_the_check(
    viper, expected, monkeypatch, caplog
):
    raw, manifest, cache = viper
    store = open_store(raw, manifest, 32, 16, cache)
    os.utime(store.folder / "pixels.npy")

    def full(path: Path, _data: str) -> None:
        raise InputError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr("crossres.datasets.pixels.store.write_atomically", full)
    again = open_store(raw, manifest, 32, 16, cache, checked=True)
    assert (again.origin, again.digest, caplog.messages) == ("cache", expected, [])


def test_a_copied_store_is_read_once(viper, expected, monkeypatch):
    raw, manifest, cache = viper
    open_store(raw, manifest, 32, 16, cache)
    file = stores(cache)[0] / "pixels.npy"
    copy = file.with_name("copy")
    copy.write_bytes(file.read_bytes())
    copy.replace(file)
    with monkeypatch.context() as patch:
        no_reading(patch)
        with pytest.raises(AssertionError, match="read in full"):
            open_store(raw, manifest, 32, 16, cache, checked=True)
    open_store(raw, manifest, 32, 16, cache, checked=True)
    no_reading(monkeypatch)
    assert open_store(raw, manifest, 32, 16, cache, checked=True).digest == expected


def test_a_full_check_finds_what_the_times_of_the_file_do_not_tell(
    viper, expected, monkeypatch, caplog
):
    """As a failing disk does: other bytes, and nothing else about the file has changed."""
    raw, manifest, cache = viper
    open_store(raw, manifest, 32, 16, cache)
    with (stores(cache)[0] / "pixels.npy").open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\xff")
    monkeypatch.setattr("crossres.datasets.pixels.store._stamp", lambda *_: "the same")
    with caplog.at_level(logging.WARNING, logger="crossres.datasets"):
        store = open_store(raw, manifest, 32, 16, cache)
    assert store.digest == expected
    assert "building it again" in caplog.text


def test_a_changed_digest_is_not_believed(viper, expected, caplog):
    raw, manifest, cache = viper
    open_store(raw, manifest, 32, 16, cache)
    description = stores(cache)[0] / "store.json"
    for changed in (description.read_text().replace(expected, "0" * 64), '{"sha256": 1}'):
        description.write_text(changed)
        with caplog.at_level(logging.WARNING, logger="crossres.datasets"):
            assert open_store(raw, manifest, 32, 16, cache, checked=True).digest == expected
    assert len(caplog.records) == 2
