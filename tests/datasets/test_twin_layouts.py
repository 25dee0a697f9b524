"""The oddities of each raw layout, which its twin must show: formats, names, counts, strays."""

import struct
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from datasets import Source, draw_twin, open_raw
from datasets.twins import truth


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
    found: dict[tuple[int, int], set[int]] = {}
    for pair, reference in enumerate(mat[boxes][0], start=1):
        cells = mat[reference]
        for column, index in np.ndindex(cells.shape):
            if mat[cells[column, index]].ndim == 3:
                found.setdefault((pair, index + 1), set()).add(1 + column // 5)
    return found


def test_cuhk03_cells(mat):
    shapes = [mat[reference].shape for reference in mat["detected"][0]]
    assert shapes == [(10, 6), (10, 4), (10, 3), (10, 2), (10, 2)]
    assert set(map(frozenset, views(mat, "detected").values())) == {frozenset({1, 2})}
    labeled = views(mat, "labeled")
    assert [key for key, seen in labeled.items() if len(seen) == 1] == [(3, 1)]
    cells = [mat[cell] for reference in mat["detected"][0] for cell in mat[reference][()].flat]
    full, empty = ([c for c in cells if (c.ndim == 3) == wanted] for wanted in (True, False))
    assert all(c.dtype == np.uint8 and c.shape[0] == 3 and c.shape[2] > c.shape[1] for c in full)
    assert empty
    assert all(c.shape == (2,) and not c[()].any() for c in empty)
    assert all(c.attrs["MATLAB_empty"] == 1 for c in empty)


def test_cuhk03_labeled_boxes_have_other_sizes(mat):
    detected, labeled = (mat[mat[mat[b][0, 0]][0, 0]].shape for b in ("detected", "labeled"))
    assert detected != labeled


def test_cuhk03_test_sets_are_transposed_doubles(mat):
    lists = [mat[reference] for reference in mat["testsets"][0]]
    assert all(one.shape == (2, 4) and one.dtype == np.float64 for one in lists)
    known = set(views(mat, "detected"))
    chosen = [{(int(pair), int(index)) for pair, index in one[()].T} for one in lists]
    assert all(len(one) == 4 and one <= known for one in chosen)
    assert len(set(map(frozenset, chosen))) > 10
