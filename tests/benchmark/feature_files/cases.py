"""One evaluation, and writers of its arrays in every format that is read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.numpy
import scipy.io

from crossres.benchmark import evaluate_features
from crossres.datasets.base.errors import InputError

Arrays = dict[str, Any]
Writer = Callable[[Path, Mapping[str, Any]], Path]


def arrays(kind: str = "<f4") -> Arrays:
    """Twenty queries of six people in three cameras, forty gallery images, junk, a distractor."""
    rng = np.random.default_rng(4)
    pids, people = np.r_[np.arange(37) % 6, -1, -1, 9], rng.normal(size=(10, 8))
    query_pids = np.arange(20) % 6
    return {
        "query_features": (4 * (people[query_pids] + rng.normal(size=(20, 8)))).astype(kind),
        "gallery_features": (4 * (people[pids] + rng.normal(size=(40, 8)))).astype(kind),
        "query_pids": query_pids,
        "gallery_pids": pids,
        "query_camids": np.arange(20) % 3,
        "gallery_camids": np.arange(40) % 4,
    }


def answer(features: Any) -> str:
    """All digits of an evaluation, and of each query."""
    evaluation = evaluate_features(features)
    return repr((evaluation.as_dict(), evaluation.per_query.columns()))


def refusal(path: Path) -> str:
    """The error of a file that is not evaluated: one line, and no advice to trust it."""
    with pytest.raises(InputError) as caught:
        evaluate_features(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert "unsafe" not in text
    assert "allow_pickle" not in text
    return text


def write_npz(place: Path, content: Mapping[str, Any]) -> Path:
    """As numpy.savez writes it."""
    np.savez(place.with_suffix(".npz"), **content)
    return place.with_suffix(".npz")


def write_folder(place: Path, content: Mapping[str, Any]) -> Path:
    """As numpy.save writes each array."""
    place.mkdir()
    for name, array in content.items():
        np.save(place / f"{name}.npy", array)
    return place


def write_mat(place: Path, content: Mapping[str, Any]) -> Path:
    """As scipy.io.savemat writes it: ids are a row (1, N)."""
    scipy.io.savemat(place.with_suffix(".mat"), dict(content))
    return place.with_suffix(".mat")


def write_compressed_mat(place: Path, content: Mapping[str, Any]) -> Path:
    """As MATLAB writes it by default: each variable is compressed."""
    scipy.io.savemat(place.with_suffix(".mat"), dict(content), do_compression=True)
    return place.with_suffix(".mat")


def write_mat_7_3(place: Path, content: Mapping[str, Any]) -> Path:
    """As MATLAB writes `save -v7.3`: HDF5 behind 512 bytes of its own, every array turned over."""
    path = place.with_suffix(".mat")
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in content.items():
            turned = np.atleast_2d(array).T
            if turned.dtype.kind == "U":  # (N,) texts are a matrix of N rows of characters
                letters = np.array([[*map(ord, t)] for t in np.strings.ljust(array, 8)], np.uint16)
                file[name] = letters.T
                file[name].attrs["MATLAB_class"] = np.bytes_("char")
            else:
                file[name] = turned
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def write_hdf5(place: Path, content: Mapping[str, Any]) -> Path:
    """As h5py writes it: every array in one piece, texts of any length."""
    with h5py.File(place.with_suffix(".h5"), "w") as file:
        for name, array in content.items():
            is_text = np.asarray(array).dtype.kind == "U"
            file[name] = array.astype(h5py.string_dtype()) if is_text else array
    return place.with_suffix(".h5")


def write_chunks(place: Path, content: Mapping[str, Any]) -> Path:
    """As h5py compresses it."""
    with h5py.File(place.with_suffix(".hdf5"), "w") as file:
        for name, array in content.items():
            if np.asarray(array).dtype.kind == "U":
                file[name] = np.strings.encode(array, "utf-8")  # of one length
            else:
                packed = {"compression": "gzip"} if np.ndim(array) else {}
                file.create_dataset(name, data=array, **packed)
    return place.with_suffix(".hdf5")


def write_safetensors(place: Path, content: Mapping[str, Any]) -> Path:
    """As safetensors writes it, which has no texts."""
    whole = {name: np.ascontiguousarray(array) for name, array in content.items()}
    safetensors.numpy.save_file(whole, place.with_suffix(".safetensors"))
    return place.with_suffix(".safetensors")


WRITERS: dict[str, Writer] = {
    writer.__name__.removeprefix("write_"): writer
    for writer in (
        write_npz,
        write_folder,
        write_mat,
        write_compressed_mat,
        write_mat_7_3,
        write_hdf5,
        write_chunks,
        write_safetensors,
    )
}
MAPPING = ("npz", "folder", "mat", "mat_7_3", "hdf5", "safetensors")
