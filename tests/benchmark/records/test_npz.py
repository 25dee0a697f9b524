"""Arrays read quickly are numpy's, bit by bit; what is not as it was written is left to numpy."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossres.benchmark.records.artifacts import ArtifactFolder, artifact_path, write_artifact
from crossres.benchmark.records.npz import QuickArrays

ARRAYS = {
    "images": np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3),
    "names": np.array(["a", "größer", ""]),
    "scores": np.array([[0.5, np.nan], [np.inf, -0.0]]),
    "pids": np.array([3, 1, 2]),
    "none": np.empty((0, 6)),
    "single": np.array(7.5),
    "flags": np.array([True, False]),
    "big end": np.array([1.5, 2.5], dtype=">f4"),
}


def assert_same(left: Any, right: Any) -> None:
    assert (left.dtype, left.shape) == (right.dtype, right.shape)
    assert left.tobytes() == right.tobytes()
    assert left.flags.writeable


def test_arrays_are_those_of_numpy(tmp_path: Path) -> None:
    path = write_artifact(tmp_path, "k", ARRAYS)
    read = QuickArrays().read("k", path, (), [*ARRAYS, "other"])
    assert read is not None
    with np.load(path) as file:
        assert list(read) == file.files
        for name in file.files:
            assert_same(read[name], file[name])
    assert list(QuickArrays().read("k", path, ("pids", "images")) or ()) == ["pids", "images"]


def test_what_a_file_lacks_is_known_after_one_look(tmp_path: Path) -> None:
    path = write_artifact(tmp_path, "k", ARRAYS)
    quick = QuickArrays()
    assert not quick.lacks("k", ["other"])
    assert quick.read("k", path, ["pids", "other"]) == {}
    assert quick.lacks("k", ["other"])
    assert not quick.lacks("k", ["pids"])
    path.unlink()
    artifacts = ArtifactFolder(tmp_path)
    assert artifacts.read("k", ["pids"]) is None
    assert artifacts.problems == ()


def test_a_file_that_was_written_anew_is_read_as_it_was_or_as_it_is(tmp_path: Path) -> None:
    """Small arrays are those of the first look, large ones those of now, and never a mixture."""
    rng = np.random.default_rng(0)
    large = {"large": rng.random(500), "huge": rng.random(900)}
    write_artifact(tmp_path, "k", ARRAYS | large)
    artifacts = ArtifactFolder(tmp_path)
    artifacts.read("k", ["scores"])
    changed = {name: np.full(500, 0.25) for name in ("pids", "large", "more")}
    write_artifact(tmp_path, "k", changed)
    for names, there in ((["pids"], ARRAYS), (["pids", "large"], changed)):
        read = artifacts.read("k", names)
        assert read is not None
        for name in names:
            assert_same(read[name], np.asarray(there[name]))
    assert artifacts.read("k", ["huge"]) is None


@pytest.mark.parametrize(
    "write",
    [
        lambda file: np.savez(file, pids=np.arange(3)),  # stored, not compressed
        lambda file: np.savez_compressed(file, pids=np.asfortranarray(np.ones((2, 3)))),
        lambda file: np.savez_compressed(file, pids=np.array([{}]), allow_pickle=True),
        lambda file: np.save(file, np.arange(3)),
        lambda file: file.write(b"PK"),
        lambda file: file.write(b""),
        lambda file: zipfile.ZipFile(file, "w").close(),
    ],
)
def test_another_file_is_left_to_numpy(tmp_path: Path, write: Any) -> None:
    content = io.BytesIO()
    write(content)
    path = tmp_path / "x.npz"
    path.write_bytes(content.getvalue())
    assert not QuickArrays().read("x", path, ["pids"])


def test_no_damage_gives_other_values(tmp_path: Path) -> None:
    """Every byte changed, and the file cut everywhere: refused, or what is read is what was."""
    path = write_artifact(tmp_path, "k", {name: ARRAYS[name] for name in ("scores", "pids")})
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        for content in (
            whole[:place],
            whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :],
        ):
            path.write_bytes(content)
            read = QuickArrays().read("k", path, ["scores", "pids"])
            refused += read is None
            for name, array in (read or {}).items():
                assert_same(array, ARRAYS[name].copy())
    assert refused > len(whole)


def test_a_damaged_artifact_is_a_problem_in_the_words_of_numpy(tmp_path: Path) -> None:
    path = write_artifact(tmp_path, "k", ARRAYS)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    artifacts = ArtifactFolder(tmp_path)
    assert artifacts.read("k", ["images"]) is None
    assert "not a readable artifact" in artifacts.problems[0]
    assert artifacts.read("k", ["pids"]) is not None
    assert artifacts.read("other", ["pids"]) is None
    assert len(artifacts.problems) == 1
    assert artifact_path(tmp_path, "k") == path
