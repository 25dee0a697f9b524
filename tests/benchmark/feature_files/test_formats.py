"""The same arrays in every format, under every name, give the same answer to the last bit."""

import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.torch
import torch

from crossres.benchmark import Rules, evaluate_features
from crossres.benchmark.feature_files import stored
from crossres.benchmark.feature_files.names import FEATURES
from crossres.benchmark.feature_files.read import read_features
from tests.benchmark.feature_files.cases import (
    MAPPING,
    WRITERS,
    answer,
    arrays,
    write_hdf5,
    write_npz,
    write_safetensors,
)

NAMES = {
    "torchreid": ("qf", "gf", "q_pids", "g_pids", "q_camids", "g_camids"),
    "baseline": (
        "query_f", "gallery_f", "query_label", "gallery_label", "query_cam", "gallery_cam",
    ),
    "open-reid": (
        "query_features", "gallery_features", "query_ids", "gallery_ids", "query_cams",
        "gallery_cams",
    ),
    "others": ("query_feat", "gallery_feats", "Query_IDs", "g-labels", "queryCAM", "galleryCAM"),
    "probes": ("probe_features", "feat_g", "label_probe", "gl", "qc", "gc"),
}  # fmt: skip
FORMATS_AND_TYPES = [
    (name, kind)
    for name in WRITERS
    for kind in ("<f2", "<f4", "<f8", ">f4", "|i1", "<i4")
    if (name, kind) != ("safetensors", ">f4")  # which are little-endian
]
FORMATS_AND_NAMES = [
    (name, names)
    for name in WRITERS
    for names in NAMES
    if not ("mat" in name and names == "others")  # "-" is in no name of a variable of MATLAB
]


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(("format_name", "kind"), FORMATS_AND_TYPES)
def test_every_format_gives_the_same_answer(
    format_name: str, kind: str, mapped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = arrays(kind)
    path = WRITERS[format_name](tmp_path / "features", content)
    if mapped:
        monkeypatch.setattr(stored, "MAPPED_BYTES", 0)
    read = read_features(path)
    are_mapped = {isinstance(read[name], np.memmap) for name in FEATURES}
    assert are_mapped == {mapped and format_name in MAPPING}
    assert answer(path) == answer(content)


@pytest.mark.parametrize(("format_name", "names"), FORMATS_AND_NAMES)
def test_every_name_gives_the_same_answer(format_name: str, names: str, tmp_path: Path) -> None:
    content = dict(zip(NAMES[names], arrays().values(), strict=True))
    assert answer(WRITERS[format_name](tmp_path / "features", content)) == answer(arrays())


@pytest.mark.parametrize("format_name", sorted(WRITERS))
@pytest.mark.parametrize("with_sides", [False, True])
def test_queries_and_gallery_in_one_array(
    format_name: str, with_sides: bool, tmp_path: Path
) -> None:
    """As fast-reid and TransReID have them: the queries come first."""
    content = arrays()
    parts = {
        name: np.concatenate([content[f"query_{thing}"], content[f"gallery_{thing}"]])
        for name, thing in (("feats", "features"), ("pids", "pids"), ("camids", "camids"))
    }
    if with_sides:
        del parts["feats"]
        parts |= {"qf": content["query_features"], "gf": content["gallery_features"]}
    else:
        parts["num_query"] = np.array(20)
    if format_name == "safetensors":
        parts = {name: np.atleast_1d(array) for name, array in parts.items()}
    assert answer(WRITERS[format_name](tmp_path / "features", parts)) == answer(content)


@pytest.mark.parametrize("format_name", sorted(set(WRITERS) - {"safetensors"}))
def test_texts_as_ids(format_name: str, tmp_path: Path) -> None:
    """Their numbers are those of their order; rates and paths go along."""
    content = arrays()
    names = np.array(["ada", "böb", "c", "d", "e", "f", "x", "y", "z", "zoe"])
    for side in ("query", "gallery"):
        pids = content[f"{side}_pids"]
        content[f"{side}_pids"] = np.where(pids < 0, "-1", names[pids])
        content[f"{side}_camids"] = np.array([f"cam {c}" for c in content[f"{side}_camids"]])
    content["query_rates"] = np.arange(20) % 3
    content["query_paths"] = np.array([f"{row}.png" for row in range(20)])
    path = WRITERS[format_name](tmp_path / "features", content)
    assert answer(path) == answer(content)
    evaluation = evaluate_features(path)
    columns = evaluation.per_query.columns()
    assert columns["pid"][:3] == ["ada", "böb", "c"]
    assert columns["camid"][:3] == ["cam 0", "cam 1", "cam 2"]
    assert columns["rate"][:3] == [0, 1, 2]
    assert columns["path"][19] == "19.png"
    assert evaluation.metrics == evaluate_features(arrays()).metrics
    assert evaluation.by_group["valid_queries@camid=cam 1"] == 7


@pytest.mark.parametrize("mapped", [False, True])
def test_bfloat16_of_safetensors(
    mapped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mapped:
        monkeypatch.setattr(stored, "MAPPED_BYTES", 0)
    content = {name: torch.tensor(array) for name, array in arrays().items()}
    halved = {n: t.bfloat16() if n in FEATURES else t for n, t in content.items()}
    safetensors.torch.save_file(halved, tmp_path / "f.safetensors")
    read = read_features(tmp_path / "f.safetensors")
    for name in FEATURES:
        assert read[name].dtype == np.float32
        assert np.array_equal(read[name], halved[name].float().numpy())
    assert answer(tmp_path / "f.safetensors") == answer(halved)


@pytest.mark.parametrize("spaces", range(8))
def test_tensors_that_begin_anywhere(
    spaces: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other writers of safetensors do not align them."""
    monkeypatch.setattr(stored, "MAPPED_BYTES", 0)
    path = write_safetensors(tmp_path / "f", arrays())
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little") + spaces
    header = content[8 : 8 + length - spaces] + b" " * spaces
    path.write_bytes(length.to_bytes(8, "little") + header + content[8 + length - spaces :])
    assert answer(path) == answer(arrays())


def element(kind: int, content: bytes) -> bytes:
    return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)


@pytest.mark.parametrize("mapped", [False, True])
def test_matlab_of_a_machine_that_begins_with_the_highest_byte(
    mapped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand, as scipy writes the order of this machine; numbers in a smaller type, too."""
    if mapped:
        monkeypatch.setattr(stored, "MAPPED_BYTES", 0)
    content = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    for name, array in arrays().items():
        kind, how, dtype = (7, 7, ">f4") if name in FEATURES else (6, 1, "i1")
        shape = array.shape if array.ndim == 2 else (1, len(array))
        parts = (
            element(6, struct.pack(">II", kind, 0)),
            element(5, struct.pack(">2i", *shape)),
            element(1, name.encode()),
            element(how, array.reshape(shape).astype(dtype).tobytes("F")),
        )
        content += element(14, b"".join(parts))
    (tmp_path / "f.mat").write_bytes(content)
    read = read_features(tmp_path / "f.mat")
    assert read["query_pids"].dtype == np.dtype(">f8")
    assert isinstance(read["gallery_features"], np.memmap) == mapped
    assert answer(tmp_path / "f.mat") == answer(arrays())


def test_groups_of_an_hdf5_file(tmp_path: Path) -> None:
    content = arrays()
    nested = {name.replace("_", "/", 1): array for name, array in content.items()}
    assert "query/features" in nested
    assert answer(write_hdf5(tmp_path / "f", nested)) == answer(content)


def test_other_arrays_are_neither_read_nor_in_the_way(tmp_path: Path) -> None:
    content: dict[str, Any] = {**arrays(), "distmat": np.zeros((3, 3)), "qf": np.zeros(2)}
    assert answer(write_npz(tmp_path / "f", content)) == answer(arrays())
    with h5py.File(write_hdf5(tmp_path / "f", arrays()), "a") as file:
        file["elsewhere"] = h5py.ExternalLink("missing.h5", "/x")
        file["query_paths"] = np.arange(20)  # no texts
    assert answer(tmp_path / "f.h5") == answer(arrays())


def test_without_cameras(tmp_path: Path) -> None:
    content = {n: a for n, a in arrays().items() if "camids" not in n}
    path = write_safetensors(tmp_path / "f", content)
    rules = Rules(same_camera="keep")
    whole, without = (evaluate_features(f, rules=rules) for f in (arrays(), path))
    assert without.as_dict() == whole.as_dict()
    assert without.by_group == {}
