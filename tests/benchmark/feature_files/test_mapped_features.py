"""Features that are larger than the memory: mapped where they lie, with the same answer."""

import errno
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossres.benchmark import Rules, evaluate_features
from crossres.benchmark.feature_files import stored
from crossres.benchmark.feature_files.names import FEATURES
from crossres.benchmark.feature_files.read import read_features
from crossres.datasets.base.errors import InputError
from tests.benchmark.feature_files.cases import Arrays, write_folder, write_npz


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Map features of any size."""
    monkeypatch.setattr(stored, "MAPPED_BYTES", 0)


def arrays(seed: int = 0, width: int = 5, kind: str = "<f4", order: Any = "C") -> Arrays:
    """Twelve queries of six people in two cameras, a gallery of thirty, junk, and a distractor."""
    rng = np.random.default_rng(seed)
    features = [
        (8 * rng.normal(size=(rows, width))).astype(kind).copy(order=order) for rows in (12, 30)
    ]
    return {
        "query_features": features[0],
        "gallery_features": features[1],
        "query_pids": np.arange(12) % 6,
        "gallery_pids": np.r_[np.arange(27) % 7, -1, -1, 9],
        "query_camids": np.arange(12) % 2,
        "gallery_camids": np.arange(30) % 3,
    }


def write_compressed(place: Path, content: Arrays) -> Path:
    np.savez_compressed(place.with_suffix(".npz"), **content)
    return place.with_suffix(".npz")


def answer(features: Any, metric: Any, rules: Rules) -> str:
    """All digits of an answer, and of each query."""
    evaluation = evaluate_features(features, metric, rules)
    return repr((evaluation.as_dict(), evaluation.per_query.columns()))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99),
    width=st.sampled_from([1, 5, 64, 67]),
    kind=st.sampled_from(["<f2", "<f4", ">f4", "<f8", ">f8", "|i1", ">i2", "|u1"]),
    order=st.sampled_from("CF"),
    metric=st.sampled_from(["euclidean", "cosine"]),
    gallery=st.sampled_from(["multi-shot", "single-shot", "shared"]),
)
def test_every_way_to_hand_in_features_gives_the_same_bits(
    seed: int, width: int, kind: str, order: str, metric: str, gallery: Any
) -> None:
    content, rules = arrays(seed, width, kind, order), Rules(gallery, repetitions=3)
    expected = answer(content, metric, rules)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "MAPPED_BYTES", 0)
        for write in (write_npz, write_compressed, write_folder):
            path = write(Path(folder, write.__name__), content)
            are_mapped = {isinstance(read_features(path)[name], np.memmap) for name in FEATURES}
            assert are_mapped == {write is not write_compressed}
            assert answer(path, metric, rules) == expected
        patch.undo()
        assert answer(Path(folder, "write_npz.npz"), metric, rules) == expected


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("write", [write_npz, write_folder])
def test_maps_are_read_only_and_keep_type_and_order(
    write: Callable[[Path, Arrays], Path], tmp_path: Path
) -> None:
    content = arrays(kind=">f4", order="F")
    path = write(tmp_path / "f", content)
    for name, array in read_features(path).items():
        assert array.dtype == content[name].dtype
        assert np.array_equal(array, content[name])
        if name in FEATURES:
            assert isinstance(array, np.memmap)
            assert str(array.filename).startswith(str(path))
            assert array.flags.f_contiguous
            assert not array.flags.writeable


def test_small_features_are_read_and_compared_with_their_checksum(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "f", arrays())
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(arrays()["gallery_features"].tobytes()) + 7] ^= 1
    path.write_bytes(bytes(damaged))
    with pytest.raises(InputError, match="array gallery_features cannot be read; the file is dam"):
        evaluate_features(path)


# --- what is damaged, or lies ---------------------------------------------------------------------


def change_local_header(content: bytes, name: str, offset: int, kind: str, value: int) -> bytes:
    """Write a number into the header that stands before a member."""
    changed = bytearray(content)
    start = content.index(f"{name}.npy".encode()) - 30
    assert content[start : start + 4] == b"PK\x03\x04"
    struct.pack_into(kind, changed, start + offset, value)
    return bytes(changed)


def change_sizes(content: bytes, name: str, change: int) -> bytes:
    """Write other sizes into the list of members at the end of an archive."""
    changed = bytearray(content)
    start = content.rindex(f"{name}.npy".encode()) - 46
    assert content[start : start + 4] == b"PK\x01\x02"
    for offset in (20, 24):
        (size,) = struct.unpack_from("<I", content, start + offset)
        struct.pack_into("<I", changed, start + offset, size + change)
    return bytes(changed)


LIES: dict[str, Callable[[bytes], bytes]] = {
    "extras are longer": lambda c: change_local_header(c, "gallery_features", 28, "<H", 64),
    "extras run out of the file": lambda c: change_local_header(
        c, "gallery_features", 28, "<H", 65535
    ),
    "the name is longer": lambda c: change_local_header(c, "gallery_features", 26, "<H", 29),
    "it is compressed": lambda c: change_local_header(c, "gallery_features", 8, "<H", 8),
    "no header": lambda c: change_local_header(c, "gallery_features", 0, "<I", 0),
    "more bytes than there are": lambda c: change_sizes(c, "gallery_features", 10**6),
    "some bytes of the next member": lambda c: change_sizes(c, "query_features", 8),
    "fewer bytes": lambda c: change_sizes(c, "gallery_features", -4),
    "no numbers before the array": lambda c: c.replace(b"\x93NUMPY", b"\x93NUMPI"),
    "more rows than bytes": lambda c: c.replace(b"'shape': (30, 5)", b"'shape': (31, 5)"),
    "fewer rows than bytes": lambda c: c.replace(b"'shape': (30, 5)", b"'shape': (29, 5)"),
    "negative rows": lambda c: c.replace(b"'shape': (30, 5), ", b"'shape': (-30,-5),"),
    "an enormous shape": lambda c: c.replace(b"(30, 5), }    ", b"(30, 5555555),}"),
    "another type": lambda c: c.replace(b"'descr': '<f4'", b"'descr': '<f8'"),
    "no type": lambda c: c.replace(b"'descr': '<f4'", b"'descr': '<x4'"),
}


@pytest.mark.parametrize("lie", sorted(LIES))
@pytest.mark.parametrize("least", [0, 2**40])
def test_a_member_that_is_not_what_its_headers_say(
    lie: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mapped, and read."""
    monkeypatch.setattr(stored, "MAPPED_BYTES", least)
    path = write_npz(tmp_path / "f", arrays())
    intact = path.read_bytes()
    path.write_bytes(LIES[lie](intact))
    assert path.read_bytes() != intact
    if lie == "it is compressed" and least:
        return  # where it is read, the list at the end of the archive counts
    with pytest.raises(InputError) as caught:
        evaluate_features(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "damaged" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("mapped")
def test_an_encrypted_member(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "f", arrays())
    content = path.read_bytes()
    listed = content.rindex(b"gallery_features.npy") - 46
    changed = bytearray(change_local_header(content, "gallery_features", 6, "<H", 1))
    struct.pack_into("<H", changed, listed + 8, 1)
    path.write_bytes(bytes(changed))
    with pytest.raises(InputError, match="array gallery_features cannot be read"):
        evaluate_features(path)


def test_a_compressed_array_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    content = arrays()
    del content["gallery_features"]
    write_compressed(path, content)
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (70368744177664, 16), }"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        text = head.ljust(117) + b"\n"
        header = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
        archive.writestr("gallery_features.npy", header + bytes(1000))
    with pytest.raises(
        InputError, match=r"larger than the memory.*with numpy\.savez, uncompressed"
    ):
        evaluate_features(path)


def test_an_array_that_does_not_fit_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "free_memory", lambda: 500)
    for write in (write_compressed, write_folder):
        with pytest.raises(InputError, match="array gallery_features is larger than the memory"):
            evaluate_features(write(tmp_path / write.__name__, arrays()))
    monkeypatch.setattr(stored, "MAPPED_BYTES", 500)
    for path in (tmp_path / "write_folder", write_npz(tmp_path / "f", arrays())):
        assert evaluate_features(path).metrics["valid_queries"] == 12
    monkeypatch.setattr(stored, "free_memory", lambda: None)
    assert evaluate_features(tmp_path / "write_compressed.npz").metrics["valid_queries"] == 12


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("write", [write_npz, write_folder])
def test_where_the_system_makes_no_map_they_are_read(
    write: Callable[[Path, Arrays], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENODEV, "No such device")

    path, rules = write(tmp_path / "f", arrays()), Rules()
    expected = answer(path, "euclidean", rules)
    monkeypatch.setattr(np, "memmap", refuse)
    assert answer(path, "euclidean", rules) == expected
    damaged = path if path.is_file() else path / "gallery_features.npy"
    content = bytearray(damaged.read_bytes())
    content[content.index(arrays()["gallery_features"].tobytes()) + 7] ^= 1
    damaged.write_bytes(bytes(content))
    if path.is_file():
        with pytest.raises(InputError, match="array gallery_features cannot be read"):
            evaluate_features(path)


# --- folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize("least", [0, 2**40])
@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("gallery_features", lambda c: c[:-3], "array gallery_features cannot be read; the file"),
        ("gallery_features", lambda c: c[:9], "array gallery_features cannot be read; the file"),
        ("gallery_features", lambda _: b"", "array gallery_features cannot be read; the file is"),
        ("gallery_features", lambda c: c + c, "array gallery_features cannot be read; the file"),
        ("query_pids", lambda c: c[:-1], "array query_pids cannot be read; the file is damaged"),
    ],
)
def test_a_damaged_file_of_a_folder_is_named(
    name: str, change: Any, words: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MAPPED_BYTES", least)
    folder = write_folder(tmp_path / "f", arrays())
    file = folder / f"{name}.npy"
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(InputError) as caught:
        evaluate_features(folder)
    assert str(caught.value).startswith(f"{file}: {words}")


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("name", ["gallery_features", "gallery_pids"])
def test_objects_in_a_folder_are_never_read(name: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", {**arrays(), name: np.array([{}] * 30, dtype=object)})
    with pytest.raises(InputError, match=rf"{name}\.npy: array {name} holds Python objects, which"):
        evaluate_features(folder)


@pytest.mark.usefixtures("mapped")
def test_empty_features_of_a_folder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", {**arrays(), "query_features": np.zeros((0, 5))})
    with pytest.raises(InputError, match=r"query_features is empty, of shape \(0, 5\)"):
        evaluate_features(folder)


@pytest.mark.usefixtures("mapped")
def test_a_folder_that_lacks_an_array_is_told_how_to_convert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"query_features": "qf", "gallery_features": "gallery_feat", "query_pids": "people"}
    content = {names.get(name, name): array for name, array in arrays().items()}
    folder = write_folder(tmp_path / "f", content)
    (folder / "notes.txt").write_text("text")
    (folder / "folder.npy").mkdir()
    (folder / "other.npy").write_bytes(b"no array")
    with pytest.raises(InputError) as caught:
        evaluate_features(folder)
    text = str(caught.value)
    assert "query_pids is missing (q_pids or query_pid or query_labels would do, too)" in text
    assert "the folder holds" in text
    assert "gallery_feat (30, 5) float32" in text
    assert "notes" not in text
    (folder / "folder.npy").rmdir()
    (folder / "other.npy").unlink()
    monkeypatch.chdir(tmp_path)
    exec(text.partition("convert it in Python: ")[2].replace("...", "f['people']"), {})
    rules = Rules()
    assert answer("features.npz", "euclidean", rules) == answer(arrays(), "euclidean", rules)


# --- memory ---------------------------------------------------------------------------------------

PEAK = """
import sys, tracemalloc
from pathlib import Path
import numpy as np
from crossres.benchmark import Rules, evaluate_features
from crossres.benchmark.feature_files import stored
if "read" in sys.argv:
    stored.MAPPED_BYTES = 2**40
tracemalloc.start()
for gallery in ("multi-shot", "shared"):
    rules = Rules(gallery, same_camera="keep", repetitions=1)
    print(evaluate_features(Path(sys.argv[1]), "cosine", rules).metrics["rank1"])
print(tracemalloc.get_traced_memory()[1])
"""
LARGE = 200 * 2**20


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of 200 MiB in which every query finds its pid first."""
    path = tmp_path_factory.mktemp("large") / "large.npz"
    gallery = np.random.default_rng(0).random((LARGE // 4 // 2048, 2048), dtype=np.float32)
    pids = np.arange(len(gallery))
    some = {"query_features": gallery[:8] + np.float32(0.01), "query_pids": pids[:8]}
    np.savez(path, gallery_features=gallery, gallery_pids=pids, **some)
    return path


@pytest.mark.parametrize("way", ["mapped", "read"])
def test_large_features_take_little_memory(way: str, large: Path) -> None:
    """Read, they take as much as they are: so the measure would tell."""
    process = subprocess.run(
        [sys.executable, "-c", PEAK, str(large), way], capture_output=True, text=True, check=True
    )
    *ranks, peak = map(float, process.stdout.split())
    assert ranks == [1.0, 1.0]
    assert (peak < LARGE * 0.8) if way == "mapped" else (peak > LARGE)
