"""Files that are damaged, lie, or point elsewhere: one line each, and nothing else is opened."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.numpy
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from crossres.benchmark import evaluate_features
from crossres.benchmark.feature_files import stored
from crossres.datasets.base.errors import InputError
from tests.benchmark.feature_files.cases import (
    WRITERS,
    answer,
    arrays,
    refusal,
    write_hdf5,
    write_mat_7_3,
)

SINGLE = sorted(set(WRITERS) - {"folder"})


def said_of(path: Path) -> str:
    """The error, or the file alone where the damage does not matter."""
    try:
        evaluate_features(path)
    except InputError as error:
        return str(error)
    return f"{path}: "


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("intact")
    return {name: WRITERS[name](folder / name, arrays()) for name in SINGLE}


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.97])
def test_a_file_that_was_cut_off(
    part: float,
    name: str,
    mapped: bool,
    intact: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if mapped:
        monkeypatch.setattr(stored, "MAPPED_BYTES", 0)
    content = intact[name].read_bytes()
    path = tmp_path / intact[name].name
    path.write_bytes(content[: int(part * len(content))])
    text = refusal(path)
    assert "damaged" in text or "missing" in text or "is known here" in text


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from([name for name in SINGLE if name != "npz"]),
    position=st.floats(0, 1, exclude_max=True),
    bits=st.integers(1, 255),
    mapped=st.booleans(),
)
def test_a_damaged_byte_is_never_a_traceback(
    intact: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    position: float,
    bits: int,
    mapped: bool,
) -> None:
    content = bytearray(intact[name].read_bytes())
    content[int(position * len(content))] ^= bits
    path = tmp_path_factory.getbasetemp() / f"damaged{intact[name].suffix}"
    path.write_bytes(bytes(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "MAPPED_BYTES", 0 if mapped else 2**40)
        assert said_of(path).startswith(f"{path}: ")


def test_objects_of_numpy_are_never_read(tmp_path: Path) -> None:
    content = arrays() | {"query_pids": np.array([{}] * 20, dtype=object)}
    np.savez(tmp_path / "f.npz", **content)
    text = refusal(tmp_path / "f.npz")
    assert "array query_pids holds Python objects, which are never read; save plain" in text
    assert ".astype(str)" in text


@pytest.mark.parametrize("what", ["cell", "struct"])
def test_cells_and_structs_of_matlab(what: str, tmp_path: Path) -> None:
    value = {"a": 1} if what == "struct" else np.array(["a", 1] * 10, dtype=object)
    scipy.io.savemat(tmp_path / "f.mat", arrays() | {"query_pids": value})
    text = refusal(tmp_path / "f.mat")
    assert f"array query_pids is a MATLAB {what}, and not numbers or texts of one length" in text
    assert "cell2mat" in text


def test_cells_of_matlab_7_3(tmp_path: Path) -> None:
    path = write_mat_7_3(tmp_path / "f", arrays())
    with h5py.File(path, "a") as file:
        del file["query_pids"]
        target = file.create_group("#refs#").create_dataset("a", data=[1.0])
        file["query_pids"] = np.array([[target.ref] * 20], dtype=h5py.ref_dtype)
    assert "array query_pids holds a MATLAB cell or struct, and not plain" in refusal(path)


def soft(file: Any, _: Path) -> None:
    file["query_pids"] = h5py.SoftLink("/gallery_pids")


def external(file: Any, other: Path) -> None:
    file["query_pids"] = h5py.ExternalLink(str(other), "/query_pids")


def virtual(file: Any, other: Path) -> None:
    layout = h5py.VirtualLayout(shape=(20,), dtype="i8")
    layout[:] = h5py.VirtualSource(str(other), "query_pids", shape=(20,))
    file.create_virtual_dataset("query_pids", layout)


def external_storage(file: Any, other: Path) -> None:
    file.create_dataset("query_pids", (20,), "i8", external=[(str(other), 0, h5py.h5f.UNLIMITED)])


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("link", [soft, external, virtual, external_storage])
def test_what_lies_elsewhere_is_not_followed(
    link: Callable[[Any, Path], None],
    mapped: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if mapped:
        monkeypatch.setattr(stored, "MAPPED_BYTES", 0)
    other = write_hdf5(tmp_path / "other", arrays())
    path = write_hdf5(tmp_path / "f", arrays())
    with h5py.File(path, "a") as file:
        del file["query_pids"]
        link(file, other)
    text = refusal(path)
    assert "array query_pids is" in text
    assert "copy the data here" in text


def test_groups_in_a_circle(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "f", arrays())
    with h5py.File(path, "a") as file:
        for number in range(60):
            deep = file.create_group(f"deep{number}")
            for other in range(60):
                deep[f"again{other}"] = file["/"]
            deep["itself"] = deep
    assert answer(path) == answer(arrays())


def test_complex_numbers_and_dates_are_not_ids(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "f", arrays())
    with h5py.File(path, "a") as file:
        del file["query_pids"]
        file["query_pids"] = np.zeros(20, np.complex128)
    assert "array query_pids holds complex128, and not plain numbers or texts" in refusal(path)


def test_eight_bit_floats_of_safetensors(tmp_path: Path) -> None:
    header = b'{"query_features":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}'
    other = safetensors.numpy.save({n: a for n, a in arrays().items() if n != "query_features"})
    length = int.from_bytes(other[:8], "little")
    rest = other[8 : 8 + length].strip()
    # The offsets of the others begin behind the four bytes of the first.
    moved = {
        name: {**array, "data_offsets": [offset + 4 for offset in array["data_offsets"]]}
        for name, array in json.loads(rest).items()
    }
    text = json.dumps(json.loads(header) | moved).encode()
    path = tmp_path / "f.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4) + other[8 + length :])
    assert "array query_features holds F8_E4M3, which NumPy lacks; save it as" in refusal(path)


@pytest.mark.parametrize("name", sorted(set(SINGLE) - {"npz"}))
def test_what_does_not_fit_is_not_begun(
    name: str, intact: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "free_memory", lambda: 500)
    text = refusal(intact[name])
    assert "array query_features is larger than the memory (" in text
    assert ", and 500 B are free)" in text


def test_a_chunk_that_does_not_fit_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk is read whole, however little of it the array fills."""
    path = write_hdf5(tmp_path / "f", arrays())
    with h5py.File(path, "a") as file:
        del file["query_pids"]
        chunks = {"chunks": (4096,), "maxshape": (None,)}
        file.create_dataset("query_pids", data=arrays()["query_pids"], **chunks)
    monkeypatch.setattr(stored, "free_memory", lambda: 8 * 4096 - 1)
    assert "array query_pids is larger than the memory (32 KiB, and" in refusal(path)
    monkeypatch.setattr(stored, "free_memory", lambda: 8 * 4096)
    assert answer(path) == answer(arrays())


def test_an_hdf5_array_that_claims_more_than_there_is(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "f", arrays())
    with h5py.File(path, "a") as file:
        del file["gallery_features"]
        file.create_dataset("gallery_features", (2**40, 8), "f4", chunks=(1024, 8))
    assert "array gallery_features is larger than the memory (32 TiB, and" in refusal(path)
