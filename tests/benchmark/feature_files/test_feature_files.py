"""Files that people have instead of an .npz: what they are, what they hold, and what helps."""

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from crossres.benchmark import evaluate, evaluate_features
from tests.benchmark.feature_files.cases import refusal

F = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
PIDS, CAMS = np.arange(4), np.zeros(4, int)
TUTORIAL = {
    "gallery_f": F + 0.01,
    "gallery_label": PIDS,
    "gallery_cam": CAMS + 1,
    "query_f": F,
    "query_label": PIDS,
    "query_cam": CAMS,
}
OURS = {
    "query_features": F,
    "gallery_features": F + 0.01,
    "query_pids": PIDS,
    "gallery_pids": PIDS,
    "query_camids": CAMS,
    "gallery_camids": CAMS + 1,
}


def converted(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `evaluate` says of the file that the advice makes."""
    monkeypatch.chdir(folder)
    exec(text.partition("convert it in Python: ")[2], {})
    return evaluate_features(folder / "features.npz").metrics


def legacy_torch() -> bytes:
    stream = io.BytesIO()
    torch.save({"qf": torch.tensor(F)}, stream, _use_new_zipfile_serialization=False)
    return stream.getvalue()


def saved_by(write: Any, *content: Any) -> bytes:
    stream = io.BytesIO()
    write(*content, stream)
    return stream.getvalue()


def zipped(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, b"text")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("f.csv", b"a,b\n1,2\n", "text; holds lines, of which the first is 'a,b'"),
        ("f.pt", saved_by(torch.save, {"qf": torch.tensor(F)}), "written by torch.save"),
        ("f.pth", legacy_torch(), "written by torch.save"),
        ("f.pkl", pickle.dumps({"qf": F}), "a Python pickle, which is never opened here"),
        ("f.pickle", pickle.dumps({"qf": F}, protocol=0), "a Python pickle, which is never"),
        ("f.npy", saved_by(lambda a, s: np.save(s, a), F), "holds one array (4, 3) float32"),
        (
            "qf.npy",
            saved_by(lambda a, s: np.save(s, a), F),
            "give the folder that it lies in, with",
        ),
        ("f.npz.gz", b"\x1f\x8b\x08\0\0\0\0\0", "a gzip archive; "),
        ("f.npz", b"<!DOCTYPE html><html>", "a web page; "),
        ("f.npz", b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer; "),
        ("f.zip", zipped("a.txt"), "a zip archive without arrays; holds a.txt"),
        ("f.npz", zipped("a.txt"), "the file holds"),
        ("f.npz", b"", "an empty file"),
        ("f.bin", b"\x00\x01\x02\x03" * 9, "a file of a kind that is not known here"),
        ("f.mat", b"MATLAB 5.0 MAT-file, cut", "not readable as a MATLAB file (5 to 7): damaged"),
        ("f.h5", b"\x89HDF\r\n\x1a\n", "not readable as an HDF5 file: damaged or cut off"),
    ],
)
def test_each_file_is_named(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert words in refusal(tmp_path / name)


def test_what_lacks_is_named_with_what_would_do_and_what_is_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "n.npz", qf=F, gf=F, **{f"x{k:02}": F for k in range(20)})
    text = refusal(tmp_path / "n.npz")
    assert "query_pids, gallery_pids are missing (q_pids or query_pid or query_labels would" in text
    assert "qf (4, 3) float32, gf (4, 3) float32" in text
    assert "and 10 more" in text
    assert "query_features=f['qf'], gallery_features=f['gf'], query_pids=..." in text


@pytest.mark.parametrize("name", ["f.pt", "old.pt", "f.pkl"])
def test_a_pickle_is_converted_by_the_advice(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {name: torch.tensor(array) for name, array in TUTORIAL.items()}
    if name == "f.pkl":
        (tmp_path / name).write_bytes(pickle.dumps(TUTORIAL))
    else:
        torch.save(content, tmp_path / name, _use_new_zipfile_serialization=name == "f.pt")
    text = refusal(tmp_path / name)
    assert ("if you trust who wrote it" in text) == (name == "f.pkl")
    assert ("weights_only=True" in text) == (name != "f.pkl")
    assert converted(text, tmp_path, monkeypatch) == evaluate(**OURS)


class Trap:
    """Leaves a trace when somebody unpickles it."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["TRAP"],)


@pytest.mark.parametrize("name", ["f.pkl", "f.pt", "f.npz", "f.npy", "f.mat"])
def test_nothing_is_unpickled_to_say_what_it_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    path = tmp_path / name
    if name == "f.npy":
        np.save(path, np.array([Trap()], dtype=object))
    elif name == "f.pt":
        torch.save(Trap(), path)
    else:
        path.write_bytes(pickle.dumps(Trap()))
    refusal(path)
    assert not (tmp_path / "sprung").exists()
