"""The oddities of each raw layout, which its twin must show: formats, names, counts, strays."""

import json
import math
import struct
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from crossres.datasets import InputError, Source, draw_twin, open_raw
from crossres.datasets.readers.parts.listing import MARKER
from crossres.datasets.twins import truth
from crossres.datasets.twins.layouts import OTHERS


@pytest.fixture
def drawn(tmp_path):
    def draw(dataset: str) -> Path:
        draw_twin(dataset, tmp_path, "tiny")
        return open_raw(dataset, Source(tmp_path), tmp_path).folder

    return draw


def test_caviar_lr_camera_is_a_majority(drawn):
    folder = drawn("caviar")
    raw = open_raw("caviar", Source(folder), folder)
    assert raw.lr_camera == 2
    assert "88% of 8" in raw.notes[0]  # one of eight people has the larger images second
    per_person = Counter(image.pid for image in raw.images)
    assert Counter(per_person.values()) == {20: 8, 10: 4}
    sizes = {Image.open(folder / image.path).size for image in raw.images}
    assert len(sizes) > 100
    assert (folder.parent / "CAVIARb").is_dir()


def test_viper_files_are_like_the_genuine_ones(drawn):
    folder = drawn("mlr-viper")
    names = [sorted(p.name for p in (folder / cam).iterdir()) for cam in ("cam_a", "cam_b")]
    assert (folder / "README.txt").is_file()
    pids = [[int(name[:3]) for name in camera] for camera in names]
    assert pids[0] == pids[1]
    assert len(pids[0]) == 24
    assert pids[0] != list(range(pids[0][0], pids[0][0] + 24))  # ids have gaps
    assert all(a != b for a, b in zip(*names, strict=True))  # the angle differs
    content = (folder / "cam_a" / names[0][0]).read_bytes()
    assert len(content) == 18488
    offset, _, width, height, _, depth = struct.unpack("<IIiiHH", content[10:30])
    assert (content[:2], offset, width, height, depth) == (b"BM", 54, 48, 128, 24)


def test_market_parts_and_strays(drawn):
    folder = drawn("mlr-market")
    images = truth("mlr-market", "tiny")
    of = {p: [i for i in images if i.part == p] for p in ("train", "query", "gallery")}
    train, test = {i.pid for i in of["train"]}, {i.pid for i in of["query"]}
    assert (len(train), len(test), train & test) == (20, 20, set())
    assert set(Counter((i.pid, i.camid) for i in of["query"]).values()) == {1}
    boxes = {(i.pid, i.camid) for i in of["gallery"]}
    without = {(i.pid, i.camid) for i in of["query"]} - boxes
    assert len(without) == 1
    cameras = Counter(i.pid for i in of["query"])
    assert {2, 6} <= set(cameras.values())
    assert min(cameras.values()) == 2
    assert {i.pid for i in of["gallery"]} == test | {0, -1}
    for part in ("bounding_box_train", "bounding_box_test", "query"):
        assert (folder / part / "Thumbs.db").read_bytes()[:4] == b"\xd0\xcf\x11\xe0"
    assert any((folder / "gt_bbox").iterdir())


def test_market_images_are_jpeg_95_without_subsampling(drawn):
    folder = drawn("mlr-market")
    with Image.open(folder / truth("mlr-market", "tiny")[0].path) as image:
        assert (image.format, image.size) == ("JPEG", (64, 128))
        assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4
        # Quality 95 divides the standard tables by ten: 16 becomes 2, 99 becomes 10.
        assert (image.quantization[0][0], max(image.quantization[1])) == (2, 10)


def test_sysu_has_three_to_seven_images_but_for_one(drawn):
    drawn("mlr-sysu")
    counts = Counter((i.pid, i.camid) for i in truth("mlr-sysu", "tiny"))
    assert Counter(counts.values())[2] == 1
    assert set(counts.values()) == {2, 3, 4, 5, 6, 7}


def test_pku_names_say_png_and_files_say_jpeg(drawn):
    folder = drawn("mlr-pku")
    contents = Counter(file.read_bytes() for file in sorted(folder.glob("*.png")))
    assert sorted(contents.values())[-2:] == [1, 2]
    assert all(content.startswith(b"\xff\xd8\xff") for content in contents)


@pytest.fixture
def mat(drawn):
    with h5py.File(drawn("mlr-cuhk03") / "cuhk-03.mat", "r") as file:
        yield file


def test_cuhk03_is_a_matlab_file(mat):
    assert mat.userblock_size == 512
    header = Path(mat.filename).read_bytes()[:512]
    assert header.startswith(b"MATLAB 7.3 MAT-file")
    assert header[124:128] == b"\x00\x02IM"
    assert set(mat) == {"#refs#", "detected", "labeled", "testsets"}
    for name, columns in (("detected", 5), ("labeled", 5), ("testsets", 20)):
        assert mat[name].shape == (1, columns)
        assert h5py.check_ref_dtype(mat[name].dtype) is h5py.Reference
        assert mat[name].attrs["MATLAB_class"] == b"cell"


def views(mat, boxes: str) -> dict[tuple[int, int], set[int]]:
    """(pair, index) -> the views that hold an image."""
    by_identity: dict[tuple[int, int], set[int]] = {}
    for pair, reference in enumerate(mat[boxes][0], start=1):
        cells = mat[reference]
        for column, index in np.ndindex(cells.shape):
            if mat[cells[column, index]].ndim == 3:
                by_identity.setdefault((pair, index + 1), set()).add(1 + column // 5)
    return by_identity


def test_cuhk03_cells(mat):
    shapes = [mat[reference].shape for reference in mat["detected"][0]]
    assert shapes == [(10, 6), (10, 4), (10, 3), (10, 2), (10, 2)]
    assert set(map(frozenset, views(mat, "detected").values())) == {frozenset({1, 2})}
    labeled = views(mat, "labeled")
    assert [key for key, cameras in labeled.items() if len(cameras) == 1] == [(3, 1)]
    cells = [mat[cell] for reference in mat["detected"][0] for cell in mat[reference][()].flat]
    full, empty = ([c for c in cells if (c.ndim == 3) == filled] for filled in (True, False))
    assert all(c.dtype == np.uint8 and c.shape[0] == 3 and c.shape[2] > c.shape[1] for c in full)
    assert empty
    assert all(c.shape == (2,) and not c[()].any() for c in empty)
    assert all(c.attrs["MATLAB_empty"] == 1 for c in empty)


def test_cuhk03_labeled_boxes_have_other_sizes(mat):
    detected, labeled = (mat[mat[mat[b][0, 0]][0, 0]].shape for b in ("detected", "labeled"))
    assert detected != labeled


def test_cuhk03_test_sets_are_transposed_doubles(mat):
    lists = [mat[reference] for reference in mat["testsets"][0]]
    assert all(cells.shape == (2, 4) and cells.dtype == np.float64 for cells in lists)
    identities = set(views(mat, "detected"))
    chosen = [{(int(pair), int(index)) for pair, index in cells[()].T} for cells in lists]
    assert all(len(test_set) == 4 and test_set <= identities for test_set in chosen)
    assert len(set(map(frozenset, chosen))) > 10


# --- sets with list files -------------------------------------------------------------------------


def test_duke_parts_and_distractors(drawn):
    folder = drawn("mlr-duke")
    images = truth("mlr-duke", "tiny")
    of = {p: [i for i in images if i.part == p] for p in ("train", "query", "gallery")}
    train, test = {i.pid for i in of["train"]}, {i.pid for i in of["query"]}
    assert (len(train), len(test), train & test) == (8, 8, set())
    assert set(Counter((i.pid, i.camid) for i in of["query"]).values()) == {1}
    distractors = {i.pid for i in of["gallery"]} - test
    assert len(distractors) == 4
    assert not distractors & train
    assert {i.camid for i in images} == set(range(1, 9))
    assert len({Image.open(folder / image.path).size for image in images}) > 10


def test_vru_lists_have_their_oddities(drawn):
    folder = drawn("mlr-vru")
    lists = {file.name: file.read_bytes() for file in (folder / "train_test_split").iterdir()}
    assert sorted(lists) == [*(f"test_list_{n}.txt" for n in (1200, 2400, 8000)), "train_list.txt"]
    assert lists["test_list_2400.txt"].endswith(b"\r\n\r\n")
    assert not any(b"\r" in text for name, text in lists.items() if "2400" not in name)
    lines = {name: [line.split() for line in text.split(b"\n")] for name, text in lists.items()}
    of = {name: {int(v[1]) for v in rows if v} for name, rows in lines.items()}
    assert of["test_list_1200.txt"] < of["test_list_2400.txt"] < of["test_list_8000.txt"]
    assert of["train_list.txt"] & of["test_list_8000.txt"]  # both are counted from 1
    assert not any(v[0].startswith(b"0") for rows in lines.values() for v in rows if v)
    images = truth("mlr-vru", "tiny")
    per_vehicle = Counter(image.pid for image in images if image.part == "test")
    assert sorted(per_vehicle.values())[:2] == [1, 2]
    assert len(list((folder / "Pic").iterdir())) == len(images) + 1  # one is not listed
    sizes = [Image.open(folder / image.path).size for image in images]
    landscape = sum(width > height for width, height in sizes)
    assert 0.3 < landscape / len(sizes) < 0.7
    raw = open_raw("mlr-vru", Source(folder), folder)
    assert {name: len(pids) for name, pids in raw.test_sets.items()} == {
        "1200": 4,
        "2400": 7,
        "8000": 10,
    }


def test_vric_is_natively_lr_in_about_half_of_its_images(drawn):
    folder = drawn("vric")
    raw = open_raw("vric", Source(folder), folder)
    assert 0.3 < len(raw.native_lr) / len(raw.images) < 0.7
    areas = {i.path: math.prod(Image.open(folder / i.path).size) for i in raw.images}
    small = {path for path, area in areas.items() if area < 72 * 64 * 0.4}
    assert len(small) > 15
    assert small < raw.native_lr
    test = [{i.pid for i in raw.images if i.part == part} for part in ("query", "gallery")]
    assert test[0] == test[1]
    cameras: dict[int, list[int]] = {}
    for image in raw.images:
        if image.part != "train":
            cameras.setdefault(image.pid, []).append(image.camid)
    assert all(len(set(two)) == 2 for two in cameras.values())


@pytest.mark.parametrize("dataset", ["mlr-vru", "vric"])
def test_train_and_test_vehicles_never_share_a_pid(dataset):
    images = truth(dataset, "quick")
    train = {image.pid for image in images if image.part == "train"}
    assert (len(train), len({image.pid for image in images} - train)) == (60, 100)


# --- further layouts ------------------------------------------------------------------------------

FURTHER = [(dataset, name) for dataset, layouts in OTHERS.items() for name in layouts]
READABLE = [(dataset, name) for dataset, name in FURTHER if name != "sysu-mm01"]


@pytest.mark.parametrize(("dataset", "name"), READABLE)
def test_further_layouts_are_read_to_their_truth(dataset, name, tmp_path):
    draw_twin(dataset, tmp_path / "root", "tiny", layout=name)
    expected = truth(dataset, "tiny", name)
    folder = tmp_path / "root" / OTHERS[dataset][name]
    below = [child for child in folder.iterdir() if child.is_dir()]
    for root in (folder, folder.parent, tmp_path, *below):
        raw = open_raw(dataset, Source(root), tmp_path)
        assert (raw.folder, list(raw.images)) == (folder, expected)
    assert raw.source.startswith("twin:tiny:")
    assert json.loads((folder / MARKER).read_text())["layout"] == name


@pytest.mark.parametrize(("dataset", "name"), READABLE)
def test_further_layouts_show_the_same_people(dataset, name):
    usual, further = truth(dataset, "tiny"), truth(dataset, "tiny", name)
    counts = [Counter(Counter(i.pid for i in images).values()) for images in (usual, further)]
    assert counts[0] == counts[1]


def test_cuhk03_np_has_its_oddities(tmp_path):
    draw_twin("mlr-cuhk03", tmp_path, "tiny", layout="cuhk03-np")
    folder = tmp_path / "cuhk03-np"
    assert len(list(folder.glob("cuhk03_new_protocol_config_*.mat"))) == 2
    images = truth("mlr-cuhk03", "tiny", "cuhk03-np")
    views = {}
    for image in images:
        views.setdefault((image.boxes, image.pid), set()).add(image.camid)
    assert [boxes for (boxes, _), cameras in views.items() if len(cameras) == 1] == ["labeled"]
    queries = Counter((i.boxes, i.pid, i.camid) for i in images if i.part == "query")
    assert set(queries.values()) == {1}
    formats = {i.part: Image.open(folder / i.path).format for i in images}
    assert formats == {"train": "PNG", "query": "JPEG", "gallery": "PNG"}


def test_the_decoy_of_sysu_is_refused_by_name_and_by_its_looks(tmp_path):
    draw_twin("mlr-sysu", tmp_path, "tiny", layout="sysu-mm01")
    folder = tmp_path / "SYSU-MM01"
    for name in ("SYSU-MM01", "renamed"):
        folder = folder.rename(tmp_path / name)
        for root in (tmp_path, folder, folder / "cam3"):
            with pytest.raises(InputError, match=r"this is SYSU-MM01 \(RGB-infrared\)"):
                open_raw("mlr-sysu", Source(root), tmp_path)


def test_an_unknown_layout_lists_the_known(tmp_path):
    with pytest.raises(InputError, match="further layouts: sysu-nested, sysu-table, sysu-mm01"):
        draw_twin("mlr-sysu", tmp_path, "tiny", layout="cuhk03-np")
    with pytest.raises(InputError, match="further layouts: none but the usual one"):
        truth("caviar", "tiny", "cuhk03-np")
    assert list(tmp_path.iterdir()) == []
