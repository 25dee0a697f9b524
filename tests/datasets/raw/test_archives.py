"""The owners' archives: read like the folder in them, unpacked once and whole, or refused."""

import logging
import os
import shutil
import stat
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from crossres.datasets import CARDS, InputError, Source, build_manifest, open_raw, open_store
from crossres.datasets.raw import archives as module

SETS = ["caviar", "mlr-cuhk03", "mlr-market", "mlr-pku", "mlr-sysu", "mlr-viper"]
YEAR_2001 = (2001, 2, 3, 4, 5, 6)


@pytest.fixture
def zipped(make, tmp_path):
    """zipped(dataset, name, prefix): the raw folder as tmp_path/root/<name>, and its index."""

    def pack(dataset, name=None, prefix=""):
        folder, truth = make(dataset, tmp_path / "made")
        archive = tmp_path / "root" / (name or f"{dataset}-copy.zip")
        archive.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                inside = f"{prefix}{path.relative_to(folder.parent).as_posix()}"
                info = zipfile.ZipInfo(inside, YEAR_2001)
                info.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(info, path.read_bytes())
        shutil.rmtree(tmp_path / "made")
        return archive, truth

    return pack


def write(archive: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    archive.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
    return archive


def read(dataset, root, tmp_path):
    return open_raw(dataset, Source(root), tmp_path / "cache")


def content(raw):
    """Every file of a raw folder with its bytes and time."""
    return {
        p.relative_to(raw.folder).as_posix(): (p.read_bytes(), p.stat().st_mtime)
        for p in sorted(raw.folder.rglob("*"))
        if p.is_file()
    }


@pytest.mark.parametrize("dataset", SETS)
def test_an_archive_is_read_like_the_folder_in_it(dataset, zipped, tmp_path):
    archive, truth = zipped(dataset)
    for root in (archive, archive.parent):
        raw = read(dataset, root, tmp_path)
        assert list(raw.images) == truth
        assert raw.source == "partial"  # of the set, a few images
        assert raw.folder.is_relative_to(tmp_path / "cache" / "archives")
    assert len(list((tmp_path / "cache" / "archives").iterdir())) == 1
    assert {p.name for p in archive.parent.iterdir()} == {archive.name}


def test_a_folder_of_its_own_inside_is_found(zipped, tmp_path):
    archive, truth = zipped("mlr-pku", prefix="PKU-Reid-Dataset-master/")
    assert list(read("mlr-pku", archive, tmp_path).images) == truth


def test_the_owners_name_wins_over_the_listing(zipped, tmp_path):
    zipped("mlr-viper", "another-copy.zip")
    _, truth = zipped("mlr-viper", "viper.V1.0.ZIP")
    assert list(read("mlr-viper", tmp_path / "root", tmp_path).images) == truth


def test_two_archives_without_the_owners_name_are_ambiguous(zipped, tmp_path):
    zipped("mlr-viper", "a.zip")
    zipped("mlr-viper", "b.zip")
    with pytest.raises(InputError, match=r"a\.zip and .*b\.zip: more than one archive"):
        read("mlr-viper", tmp_path / "root", tmp_path)


def test_other_archives_beside_it_do_not_matter(zipped, tmp_path):
    archive, truth = zipped("mlr-viper")
    zipped("mlr-market")
    write(archive.parent / "thesis.zip", ("thesis.tex", b"hello"))
    (archive.parent / "broken.zip").write_bytes(b"PK\3\4 not a zip")
    assert list(read("mlr-viper", archive.parent, tmp_path).images) == truth


def test_a_raw_folder_beside_wins_and_an_archive_that_is_named_is_meant(zipped, make, tmp_path):
    archive, _ = zipped("mlr-viper")
    folder, _ = make("mlr-viper", archive.parent)
    assert read("mlr-viper", archive.parent, tmp_path).folder == folder
    assert read("mlr-viper", archive, tmp_path).folder != folder


def test_another_sets_archive_is_not_this_ones(zipped, tmp_path):
    archive, _ = zipped("mlr-market")
    with pytest.raises(InputError, match=r"root: no raw folder of mlr-viper here"):
        read("mlr-viper", archive.parent, tmp_path)
    with pytest.raises(InputError, match=r"\.zip: holds no raw folder of mlr-viper"):
        read("mlr-viper", archive, tmp_path)


def test_it_is_unpacked_once_even_when_moved_or_touched(zipped, tmp_path, monkeypatch):
    archive, _ = zipped("mlr-viper")
    first = read("mlr-viper", archive, tmp_path)
    monkeypatch.setattr(module, "_unpack", None)  # a second unpacking would fail
    os.utime(archive, (1, 1))
    moved = archive.rename(tmp_path / "moved.zip")
    assert read("mlr-viper", moved, tmp_path) == first


def test_times_are_those_of_the_archive_whatever_the_time_zone(zipped, tmp_path, monkeypatch):
    archive, _ = zipped("mlr-viper")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    raw = read("mlr-viper", archive, tmp_path)
    assert {mtime for _, mtime in content(raw).values()} == {981173106}  # 2001-02-03 04:05:06 UTC
    monkeypatch.undo()
    time.tzset()
    assert read("mlr-viper", archive, tmp_path) == raw


@pytest.mark.parametrize("damage", ["removed", "shortened", "edited", "added", "emptied"])
def test_a_damaged_cache_is_unpacked_again_and_pixel_stores_stay(damage, zipped, tmp_path, caplog):
    archive, _ = zipped("mlr-viper")
    raw = read("mlr-viper", archive, tmp_path)
    before = content(raw)
    manifest = build_manifest(raw, None, 0)
    store = open_store(raw, manifest, 16, 8, tmp_path / "cache")
    stores = sorted((tmp_path / "cache" / "pixels").iterdir())
    victim = raw.folder / raw.images[0].path
    if damage == "removed":
        victim.unlink()
    elif damage == "shortened":
        victim.write_bytes(victim.read_bytes()[:-1])
    elif damage == "edited":
        victim.write_bytes(b"x" * victim.stat().st_size)
    elif damage == "added":
        (victim.parent / "999_0.bmp").write_bytes(b"x")
    else:
        shutil.rmtree(raw.folder.parent)
    with caplog.at_level(logging.WARNING):
        reopened = read("mlr-viper", archive, tmp_path)
    assert "unpacking it again" in caplog.text
    assert reopened == raw
    assert content(reopened) == before
    assert open_store(reopened, manifest, 16, 8, tmp_path / "cache").digest == store.digest
    assert sorted((tmp_path / "cache" / "pixels").iterdir()) == stores


def test_a_changed_member_is_another_archive(zipped, tmp_path):
    archive, _ = zipped("mlr-viper")
    first = read("mlr-viper", archive, tmp_path)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("VIPeR/cam_a/500_0.bmp", b"another")
        file.writestr("VIPeR/cam_b/500_0.bmp", b"another")
    second = read("mlr-viper", archive, tmp_path)
    assert second.folder != first.folder
    assert len(second.images) == len(first.images) + 2


def test_the_litter_of_file_managers_is_left_out(make, tmp_path):
    folder, truth = make("mlr-viper", tmp_path / "made")
    files = [(f"VIPeR/{i.path}", (folder / i.path).read_bytes()) for i in truth]
    litter = [
        ("__MACOSX/VIPeR/cam_a/._000_0.bmp", b"x"),
        ("VIPeR/.DS_Store", b"x"),
        ("VIPeR/cam_a/Thumbs.db", b"x"),
        ("__MACOSX/", b""),
    ]
    archive = write(tmp_path / "root" / "VIPeR.v1.0.zip", *files, *litter)
    raw = read("mlr-viper", archive, tmp_path)
    assert list(raw.images) == truth
    assert len(content(raw)) == len(truth)


def test_backslashes_of_windows_are_separators(make, tmp_path):
    folder, truth = make("mlr-viper", tmp_path / "made")
    entries = []
    for image in truth:
        info = zipfile.ZipInfo("x")
        info.filename = "VIPeR\\" + image.path.replace("/", "\\")
        entries.append((info, (folder / image.path).read_bytes()))
    assert list(read("mlr-viper", write(tmp_path / "a.zip", *entries), tmp_path).images) == truth


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def refused(archive, tmp_path, words):
    """The archive is refused in one line naming it, and nothing is left anywhere."""
    with pytest.raises(InputError) as caught:
        read("mlr-viper", archive, tmp_path)
    text = str(caught.value)
    assert text.startswith(f"{archive}: ")
    assert "\n" not in text
    for word in words:
        assert word in text
    left = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert left == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "name", ["../evil", "VIPeR/../../evil", "/tmp/evil", "C:/evil", "..\\evil", "..", "a\x07b", "/"]
)
def test_a_name_outside_the_folder_is_refused(name, tmp_path):
    info = zipfile.ZipInfo("x")
    info.filename = name
    archive = write(tmp_path / "VIPeR.v1.0.zip", ("VIPeR/cam_a/000_0.bmp", b"x"), (info, b"x"))
    refused(archive, tmp_path, ["names no file below it", "get theirs"])


def test_links_and_devices_are_refused(tmp_path):
    archive = write(tmp_path / "VIPeR.v1.0.zip", (link("VIPeR/cam_a"), b"/etc"))
    refused(archive, tmp_path, ["link or device"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_collide_are_refused(tmp_path):
    twice = write(tmp_path / "twice.zip", ("VIPeR/a", b"x"), ("VIPeR//a", b"y"))
    refused(twice, tmp_path, ["'VIPeR/a' twice"])
    both = write(tmp_path / "both.zip", ("VIPeR/a", b"x"), ("VIPeR/a/b", b"y"))
    refused(both, tmp_path, ["'VIPeR/a/b'", "its folder as a file"])


def test_bombs_are_refused_before_anything_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_unpack", None)
    single = write(tmp_path / "single.zip", ("VIPeR/a", bytes(8 << 20)))
    refused(single, tmp_path, ["unpacks", "to 8,388,608 bytes"])
    many = write(tmp_path / "many.zip", *((f"{i}", bytes(1 << 19)) for i in range(20)))
    refused(many, tmp_path, ["to 10,485,760 bytes"])
    overlapping = tmp_path / "overlapping.zip"
    with zipfile.ZipFile(overlapping, "w") as file:
        file.writestr("a", os.urandom(100_000))
        file.filelist *= 300  # one content, listed so often
    refused(overlapping, tmp_path, ["to 30,000,000 bytes"])


def test_too_many_entries_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MAX_MEMBERS", 2)
    archive = write(tmp_path / "many.zip", ("a", b""), ("b", b""), ("c", b""))
    refused(archive, tmp_path, ["lists 3 entries"])


def test_encrypted_entries_are_refused(tmp_path):
    archive = write(tmp_path / "VIPeR.v1.0.zip", ("VIPeR/cam_a/000_0.bmp", b"x" * 50))
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        data[data.index(signature) + offset] |= 1
    archive.write_bytes(data)
    refused(archive, tmp_path, ["encrypted", "password"])


def test_a_wrong_checksum_names_the_entry(zipped, tmp_path):
    archive, _ = zipped("mlr-viper")
    with zipfile.ZipFile(archive) as file:
        info = file.infolist()[3]
    data = bytearray(archive.read_bytes())
    data[info.header_offset + 30 + len(info.filename) + 100] ^= 0xFF
    archive.write_bytes(data)
    refused(archive, tmp_path, [repr(info.filename), "is damaged", "download it again"])


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_an_entry_that_cannot_be_decompressed_is_named(method, at, tmp_path):
    archive, name = tmp_path / "VIPeR.v1.0.zip", "VIPeR/cam_a/000_0.bmp"
    with zipfile.ZipFile(archive, "w", method) as file:
        file.writestr(name, np.random.default_rng(0).bytes(20_000))
        packed = file.infolist()[0].compress_size
    data = bytearray(archive.read_bytes())
    start = 30 + len(name) + int(at * packed)
    data[start : start + 40] = bytes(40)
    archive.write_bytes(data)
    refused(archive, tmp_path, [repr(name), "is damaged", "download it again"])
    with zipfile.ZipFile(archive) as file:
        assert module.damaged_entry(file) == name


@pytest.mark.parametrize("cut", [0, 1, 21, 500, 5000, -1, -30])
def test_a_truncated_archive_is_refused(cut, zipped, tmp_path):
    archive, _ = zipped("mlr-viper")
    archive.write_bytes(archive.read_bytes()[:cut])
    refused(archive, tmp_path, ["not a whole zip archive" if cut else "an empty file (0 bytes)"])


def test_any_flipped_byte_gives_images_or_one_line(zipped, tmp_path):
    archive, truth = zipped("mlr-viper")
    packed = archive.read_bytes()
    lines, read_anyway = [], 0
    for offset in range(packed.index(b"PK\1\2"), len(packed), 7):
        data = bytearray(packed)
        data[offset] ^= 0x55
        archive.write_bytes(data)
        try:
            raw = open_raw("mlr-viper", Source(archive), tmp_path / "cache" / str(offset))
            assert len(raw.images) >= len(truth) - 1
            read_anyway += 1
        except InputError as error:
            lines.append(str(error))
    assert len(lines) > 50
    assert read_anyway > 20
    assert not any("\n" in line for line in lines)


def test_names_that_are_not_utf8(zipped, tmp_path):
    archive, truth = zipped("mlr-viper")
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("VIPeR/README_ÿ.txt", b"x")
    data = archive.read_bytes().replace("README_ÿ".encode(), b"README_\xff\xfe")
    archive.write_bytes(data)
    refused(
        archive, tmp_path, ["UTF-8 and are not", "unzip"]
    )  # it says that its names are UTF-8, and they are not
    data = bytearray(data)
    for signature, offset in ((b"PK\1\2", 9), (b"PK\3\4", 7)):
        data[data.rindex(signature) + offset] &= ~0x08
    archive.write_bytes(data)
    assert list(read("mlr-viper", archive, tmp_path).images) == truth  # code page 437


def test_a_name_that_the_disk_does_not_take(tmp_path):
    archive = write(tmp_path / "VIPeR.v1.0.zip", ("VIPeR/" + "x" * 300, b"x"))
    refused(archive, tmp_path, ["cannot be written", "too long"])


def test_a_full_disk_is_said_before_and_while_unpacking(zipped, tmp_path, monkeypatch):
    archive, truth = zipped("mlr-viper")
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=1000))
        refused(archive, tmp_path, ["unpacks to", "1,000 free"])

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module.shutil, "copyfileobj", full)
        with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
            read("mlr-viper", archive, tmp_path)
    assert list((tmp_path / "cache" / "archives").iterdir()) == []
    assert list(read("mlr-viper", archive, tmp_path).images) == truth


def test_an_interrupt_leaves_nothing(zipped, tmp_path, monkeypatch):
    archive, _ = zipped("mlr-viper")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.shutil, "copyfileobj", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read("mlr-viper", archive, tmp_path)
    assert list((tmp_path / "cache" / "archives").iterdir()) == []


def test_an_impossible_time_is_1980(tmp_path):
    archive = write(tmp_path / "VIPeR.v1.0.zip", (zipfile.ZipInfo("VIPeR/readme"), b"x"))
    data = archive.read_bytes().replace(struct.pack("<HH", 0, 33), struct.pack("<HH", 0, 0))
    archive.write_bytes(data)
    with pytest.raises(InputError, match="holds no raw folder"):
        read("mlr-viper", archive, tmp_path)
    (file,) = (tmp_path / "cache").rglob("readme")
    assert file.stat().st_mtime == 315532800


def test_every_archive_name_belongs_to_one_set():
    names = [name.casefold() for card in CARDS.values() for name in card.archives]
    assert len(names) == len(set(names))
    assert all(name.endswith(".zip") for name in names)


# --- whole, but not for Python's library ----------------------------------------------------------


def repacked(archive, method=0, flags=0):
    """Say in both headers of every entry that it is packed by another method, or encrypted."""
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as file:
        infos, offset = file.infolist(), file.start_dir
    for info in infos:
        head = info.header_offset
        data[head + 6] |= flags
        data[offset + 8] |= flags
        if method:
            data[head + 8 : head + 10] = data[offset + 10 : offset + 12] = struct.pack("<H", method)
        offset += 46 + sum(struct.unpack("<HHH", data[offset + 28 : offset + 34]))
    archive.write_bytes(data)


@pytest.mark.parametrize(
    ("method", "name"),
    [(9, "Deflate64 (method 9)"), (93, "Zstandard (method 93)"), (77, "by method 77,")],
)
def test_another_way_of_packing_is_named_and_not_called_damage(method, name, zipped, tmp_path):
    archive, _ = zipped("mlr-viper")
    repacked(archive, method)
    expected = [name, "not read here", "may be whole", "7-Zip or unzip and give the folder"]
    refused(archive, tmp_path, expected)
    with pytest.raises(InputError, match=f"method {method}"):  # found by its listing as well
        read("mlr-viper", archive.parent, tmp_path / "cache")


@pytest.mark.parametrize(
    ("content", "name", "remedy"),
    [
        (b"Rar!\x1a\x07\x01\0" + bytes(50), "a RAR archive", "unpack it and give the folder"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "a 7z archive", "unpack it and give the folder"),
        (b"\x1f\x8b\x08" + bytes(50), "a gzip archive", "unpack it and give the folder"),
        (b"(\xb5/\xfd" + bytes(50), "a Zstandard archive", "unpack it and give the folder"),
        (b"<!DOCTYPE html><html>sign in</html>", "a web page", "download it again"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer", "git lfs pull"),
        (b"PK\x07\x08PK\x03\x04" + bytes(50), "split zip archive", "parts"),
        (b"PK\x05\x06\x02\0\x02\0" + bytes(14), "split zip archive", "parts"),
    ],
)
def test_what_is_no_zip_archive_is_named_with_what_helps(content, name, remedy, tmp_path):
    archive = tmp_path / "VIPeR.v1.0.zip"
    archive.write_bytes(content)
    refused(archive, tmp_path, [name, remedy])
