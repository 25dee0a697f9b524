"""Small raw folders in every layout, made here and not by the twins, so that both can be wrong."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from crossres.datasets import RawImage

Index = list[RawImage]


def noise(name: str, width: int, height: int) -> np.ndarray:
    """Noise of its own for every name, which no version of numpy changes."""
    content = hashlib.shake_128(name.encode()).digest(height * width * 3)
    return np.frombuffer(content, np.uint8).reshape(height, width, 3)


def save(folder: Path, path: str, width: int, height: int, image_format: str | None = None) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(path, width, height)).save(file, format=image_format)


def make_caviar(folder: Path) -> Index:
    """Six persons, five seen by both cameras; camera 2 is the small one, but not for person 5."""
    index = []
    for pid in range(1, 7):
        for number in [1, 2, 10] + ([11, 20] if pid < 6 else []):
            camid = 1 if number <= 10 else 2
            small = camid == (1 if pid == 5 else 2)
            width, height = (17 + pid, 39 + number) if small else (40 + pid, 100 + number)
            index.append(RawImage(f"{pid:04d}{number:03d}.jpg", pid, camid))
            save(folder, index[-1].path, width, height)
    return index


def make_viper(folder: Path) -> Index:
    """Eight ids with gaps, from 0; the angle differs between the cameras."""
    index = []
    for number, pid in enumerate([0, 1, 2, 5, 9, 40, 300, 873]):
        for camid, name in enumerate(("cam_a", "cam_b")):
            angle = 45 * ((number + camid) % 5)
            index.append(RawImage(f"{name}/{pid:03d}_{angle}.bmp", pid, camid))
            save(folder, index[-1].path, 48, 128)
    (folder / "README.txt").write_text("VIPeR")
    return index


def make_pku(folder: Path) -> Index:
    """Six persons, two orientations per camera, JPEG data under .png names."""
    index = []
    for pid in (1, 4, 7, 12, 50, 114):
        for camid in (1, 2):
            for orientation in (1, 8):
                index.append(RawImage(f"{pid:03d}_{camid:02d}_{orientation}.png", pid, camid))
                save(folder, index[-1].path, 48, 128, "JPEG")
    return index


def make_market(folder: Path) -> Index:
    """Five train and four test ids, junk, a distractor; test id 9 seen by one box camera."""
    index = []

    def add(part: str, name: str, pid: int, camid: int, frame: int) -> None:
        stem = "-1" if pid == -1 else f"{pid:04d}"
        path = f"{name}/{stem}_c{camid}s1_{frame:06d}_01.jpg"
        index.append(RawImage(path, pid, camid, part))
        save(folder, path, 64, 128)

    for pid in (2, 3, 5, 7, 11):
        for camid in range(1, 3 + pid % 4):
            for frame in (1, 2):
                add("train", "bounding_box_train", pid, camid, frame)
    for pid in (1, 6, 8, 9):
        for camid in range(1, 3 + pid % 3):
            add("gallery", "bounding_box_test", pid, camid, 7)
            add("query", "query", pid, camid, 7)
    add("query", "query", 9, 6, 8)
    add("gallery", "bounding_box_test", 0, 1, 9)
    add("gallery", "bounding_box_test", -1, 2, 9)
    (folder / "readme.txt").write_text("Market-1501")
    return index


def make_duke(folder: Path) -> Index:
    """Three train and three test ids of images of all sizes; id 9 is a distractor."""
    index = []

    def add(part: str, name: str, pid: int, camid: int, frame: int) -> None:
        path = f"{name}/{pid:04d}_c{camid}_f{frame:07d}.jpg"
        index.append(RawImage(path, pid, camid, part))
        save(folder, path, 40 + 3 * pid + camid, 100 + frame % 7)

    for pid in (1, 2, 7):
        for camid in (1, 2 + pid % 6):
            add("train", "bounding_box_train", pid, camid, 46182 + pid)
    for pid in (3, 4, 5):
        for camid in (2, 8):
            add("query", "query", pid, camid, 100 + pid)
            add("gallery", "bounding_box_test", pid, camid, 220 + pid)
    add("gallery", "bounding_box_test", 9, 6, 1)
    (folder / "CITATION.txt").write_text("DukeMTMC-reID")
    return index


MSMT17_FOLDERS = {"train": "train", "query": "test", "gallery": "test"}


def make_msmt17(folder: Path) -> Index:
    """Train and test are both counted from 0; one list of Windows, one image in no list."""
    index: Index = []
    lists: dict[str, list[str]] = {"train": [], "val": [], "query": [], "gallery": []}

    def add(part: str, pid: int, number: int, camid: int, end: str = "", name: str = "") -> None:
        path = f"{pid:04d}/{pid:04d}_{number:03d}_{camid:02d}_0303noon_{pid + 16:04d}_0{end}.jpg"
        person = 1_000_000 + pid if part != "train" else pid or 999_999
        index.append(RawImage(f"{MSMT17_FOLDERS[part]}/{path}", person, camid, part))
        save(folder, index[-1].path, 40 + pid % 9 + number, 100 + camid)
        lists[name or part].append(f"{path} {pid}\n")

    for pid in (0, 1, 2, 1040):
        for number, camid in enumerate((1, 1 + pid % 2, 15)):
            add("train", pid, 2 * number, camid)
            add("train", pid, 2 * number + 1, camid, "_ex", "val" if camid == 15 else "train")
    for pid in (0, 1, 7, 3059):
        for number, camid in enumerate((2, 15 if pid % 2 else 1)):
            add("query", pid, 3 * number, camid)
            add("gallery", pid, 3 * number + 1, camid)
            add("gallery", pid, 3 * number + 2, camid, "_ex")
    for name, lines in lists.items():
        text = "".join(reversed(lines))
        text = text.replace("\n", "\r\n") + "\r\n" if name == "gallery" else text.rstrip()
        (folder / f"list_{name}.txt").write_bytes(text.encode())
    save(folder, "test/0000/0000_099_02_0303noon_0016_0.jpg", 40, 100)
    return index


def make_msmt17_v2(folder: Path) -> Index:
    """The other version: the same images in other folders."""
    index = make_msmt17(folder)
    for name in ("train", "test"):
        (folder / name).rename(folder / f"mask_{name}_v2")
    return [replace(image, path=_masked(image.path), alias=image.path) for image in index]


def _masked(path: str) -> str:
    name, _, below = path.partition("/")
    return f"mask_{name}_v2/{below}"


def make_veri(folder: Path) -> Index:
    """Queries lie in image_test, too; a list of Windows; label files that nobody may open."""
    index: Index = []
    names: dict[str, list[str]] = {"train": [], "query": [], "test": []}

    def add(name: str, pid: int, camid: int, frame: int) -> None:
        file = f"{pid:04d}_c{camid:03d}_{frame:08d}_{pid % 3}.jpg"
        part = {"train": "train", "query": "query", "test": "gallery"}[name]
        index.append(RawImage(f"image_{name}/{file}", pid, camid, part))
        save(folder, index[-1].path, 60 + pid % 7, 50 + camid)
        names[name].append(file)

    for pid in (1, 3, 4, 776):
        for camid in (1, 2 + pid % 2, 20):
            for frame in (30600, 30605):
                add("train", pid, camid, frame)
    for pid in (2, 5, 9, 775):
        for camid in (2, 19 + pid % 2):
            for frame in (45, 50):
                add("test", pid, camid, frame)
            add("query", pid, camid, 50)
            query = folder / index[-1].path
            query.write_bytes((folder / "image_test" / query.name).read_bytes())
    for name, files in names.items():
        end = "\r\n" if name == "test" else "\n"
        text = "".join(f"{file}{end}" for file in reversed(files))
        (folder / f"name_{name}.txt").write_bytes(text.encode())
    for name in ("train", "test"):
        (folder / f"{name}_label.xml").write_text(BOMB)
    return index


BOMB = '''<?xml version="1.0" encoding="gb2312" ?>
<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>
<TrainingImages><Items><Item imageName="&c;&d;"'''


VRU_LISTS = {
    # Vehicles are counted from 0 in train and from 1 in test; names are padded or not, as it comes.
    "train_list.txt": "11 0\n2 0\n3 7\n4 7\n30 8\n31 8\n",
    "test_list_1200.txt": "5 1\r\n6 1\r\n7 2\r\n\r\n",
    "test_list_2400.txt": "0005 1\n6  1\n7\t2\n8 7\n9 7",
    "test_list_8000.txt": "5 1\n6 1\n7 2\n8 7\n9 7\n",
}
VRU_FILES = ["0011", "2", "3", "000004", "5", "6", "7", "08", "9", "30", "31", "77"]
VRU_PIDS = {11: 999_999, 2: 999_999, 3: 7, 4: 7, 30: 8, 31: 8}
VRU_TEST_PIDS = {5: 1_000_001, 6: 1_000_001, 7: 1_000_002, 8: 1_000_007, 9: 1_000_007}


def make_vru(folder: Path) -> Index:
    """Three lists and twelve pictures, landscape and portrait; picture 77 is in no list."""
    index = []
    for name in VRU_FILES:
        number, path = int(name), f"Pic/{name}.jpg"
        save(folder, path, 60 + number % 5, 40 + 50 * (number % 2))
        if number in VRU_PIDS:
            index.append(RawImage(path, VRU_PIDS[number], -1, "train"))
        if number in VRU_TEST_PIDS:
            index.append(RawImage(path, VRU_TEST_PIDS[number], -1, "test"))
    (folder / "train_test_split").mkdir()
    for name, content in VRU_LISTS.items():
        (folder / "train_test_split" / name).write_bytes(content.encode())
    return index


VRIC_SIZES = {
    "train": [(1, 20, 30), (1, 60, 50), (2, 25, 20), (2, 90, 80), (3, 50, 50)],
    "probe": [(1, 30, 30), (5, 70, 70)],
    "gallery": [(1, 50, 51), (5, 49, 50)],
}
"""list -> (vehicle, width, height) of its images; the median area in train is 50 x 50."""


def make_vric(folder: Path) -> Index:
    """Train and test vehicles are both counted from 1."""
    index = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", "train"), ("probe", "query"), ("gallery", "gallery")):
        lines = []
        for camid, (vehicle, width, height) in enumerate(VRIC_SIZES[name], start=1):
            file = f"{vehicle}_{camid}.jpg"
            pid = vehicle if part == "train" else 1_000_000 + vehicle
            index.append(RawImage(f"{name}_images/{file}", pid, camid, part))
            save(folder, index[-1].path, width, height)
            lines.append(f"{file} {vehicle} {camid}\n")
        (folder / f"vric_{name}.txt").write_text("".join(reversed(lines)))
    (folder / "README.txt").write_text("VRIC")
    return index


def make_sysu(folder: Path) -> Index:
    """Layout (a): six ids, four images per camera, but id 3 has two in cam_1."""
    index = []
    for pid in range(6):
        for camid in (0, 1):
            for number in range(2 if (pid, camid) == (3, 1) else 4):
                index.append(RawImage(f"cam_{camid}/{pid:05d}_{number:05d}.jpg", pid, camid))
                save(folder, index[-1].path, 30 + pid, 70)
    return index


def make_sysu_nested(folder: Path) -> Index:
    """Layout (b): `<camera>/<id>/<file>`."""
    index = []
    for pid in (1, 2, 30):
        for camid in (1, 2):
            for name in ("a.jpg", "b.png"):
                index.append(RawImage(f"cam{camid}/{pid:04d}/{name}", pid, camid))
                save(folder, index[-1].path, 30, 70)
    return index


def make_sysu_table(folder: Path) -> Index:
    """Layout (c): `images.csv` beside images of any name."""
    index, lines = [], ["path,pid,cam"]
    for pid in (0, 3, 40):
        for camid in (2, 5):
            for name in ("x, y.jpg", "z.PNG"):
                path = f"some/where {pid}/{camid}{name}"
                index.append(RawImage(path, pid, camid))
                save(folder, path, 30, 70)
                lines.append(f'"{path}",{pid}, {camid}')
    (folder / "images.csv").write_bytes("\r\n".join([*lines, "", ""]).encode())
    return index


def make_cuhk03_np(folder: Path) -> Index:
    """CUHK03-NP: two train and two test ids; labeled lacks a view of id 3; JPEG data in queries."""
    index = []
    for boxes in ("detected", "labeled"):
        for pid in (1, 2, 30, 1467):
            for view in (1, 2):
                if (boxes, pid, view) == ("labeled", 30, 2):
                    continue
                test = [("query", "query"), ("gallery", "bounding_box_test")]
                parts = test if pid > 2 else [("train", "bounding_box_train")] * 2
                for number, (part, name) in enumerate(parts, start=1):
                    path = f"{boxes}/{name}/{pid:04d}_c{view}_{number + 20}c3.png"
                    index.append(RawImage(path, pid, view, part, boxes))
                    save(folder, path, 30 + pid % 7, 80, "JPEG" if part == "query" else "PNG")
    for boxes in ("detected", "labeled"):
        config = folder / f"cuhk03_new_protocol_config_{boxes}.mat"
        config.write_bytes(b"MATLAB 5.0 MAT-file")
    return index


CUHK03_IDS = {1: 4, 2: 3, 3: 2, 4: 1, 5: 1}
CUHK03_TEST_SETS = [[(1, 1), (2, 3)], [(1, 4), (3, 2)], [(5, 1), (1, 2)]]


def cuhk03_cell(pair: int, index: int, column: int, boxes: str = "detected") -> np.ndarray | None:
    """The image (H, W, 3) of a cell; every third one is empty, in labeled boxes every fourth."""
    if (index + column) % (3 if boxes == "detected" else 4) == 0:
        return None
    taller = 0 if boxes == "detected" else 2
    return noise(f"{boxes} {pair} {index} {column}", 20 + index, 40 + column + taller)


def make_cuhk03(folder: Path) -> Index:
    """A real HDF5 file as MATLAB writes it: 512-byte user block, references, empty cells."""
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    with h5py.File(folder / "cuhk-03.mat", "w", userblock_size=512) as file:
        references = file.create_group("#refs#")

        def reference_to(value: np.ndarray) -> h5py.Reference:
            return references.create_dataset(str(len(references)), data=value).ref

        def pair_cells(boxes: str, pair: int) -> h5py.Reference:
            cells = np.empty((10, CUHK03_IDS[pair]), dtype=h5py.ref_dtype)
            for row in range(CUHK03_IDS[pair]):
                for column in range(10):
                    image = cuhk03_cell(pair, row + 1, column + 1, boxes)
                    if image is not None:
                        camid = pair * 10 + (1 if column < 5 else 2)
                        path = f"{boxes}/{pair}/{row + 1}/{column + 1}"
                        pid = pair * 1000 + row + 1
                        index.append(RawImage(path, pid, camid, boxes=boxes))
                    cells[column, row] = reference_to(
                        np.zeros(2, np.uint64) if image is None else image.transpose(2, 1, 0)
                    )
            name = f"{boxes}{pair}"
            return references.create_dataset(name, data=cells, dtype=h5py.ref_dtype).ref

        for boxes in ("detected", "labeled"):
            pairs = [[pair_cells(boxes, pair) for pair in CUHK03_IDS]]
            pairs = np.array(pairs, dtype=h5py.ref_dtype)
            file.create_dataset(boxes, data=pairs, dtype=h5py.ref_dtype)
        sets = [reference_to(np.array(rows, dtype=np.float64).T) for rows in CUHK03_TEST_SETS]
        file.create_dataset("testsets", data=np.array([sets], dtype=h5py.ref_dtype))
    return index


MAKERS: dict[str, tuple[str, Callable[[Path], Index]]] = {
    "caviar": ("CAVIARa", make_caviar),
    "mlr-market": ("Market-1501-v15.09.15", make_market),
    "mlr-cuhk03": ("cuhk03_release", make_cuhk03),
    "mlr-viper": ("VIPeR", make_viper),
    "mlr-sysu": ("SYSU_3", make_sysu),
    "mlr-pku": ("PKUv1a_128x48", make_pku),
    "mlr-duke": ("DukeMTMC-reID", make_duke),
    "mlr-msmt17": ("MSMT17_V1", make_msmt17),
    "mlr-veri": ("VeRi", make_veri),
    "mlr-vru": ("VRU", make_vru),
    "vric": ("VRIC", make_vric),
}


@pytest.fixture(params=sorted(MAKERS))
def dataset(request: pytest.FixtureRequest) -> str:
    """Every data set in turn."""
    return str(request.param)


@pytest.fixture
def make() -> Callable[[str, Path], tuple[Path, Index]]:
    """make(dataset, root): write the raw folder into root; returns it and the true index."""

    def in_root(dataset: str, root: Path) -> tuple[Path, Index]:
        name, maker = MAKERS[dataset]
        folder = root / name
        return folder, sorted(maker(folder), key=lambda image: image.path)

    return in_root


@pytest.fixture
def make_nested() -> Callable[[Path], Index]:
    """The second layout of SYSU."""
    return make_sysu_nested


@pytest.fixture
def make_table() -> Callable[[Path], Index]:
    """The third layout of SYSU."""
    return make_sysu_table


@pytest.fixture
def make_v2() -> Callable[[Path], Index]:
    """The second version of MSMT17."""
    return make_msmt17_v2


@pytest.fixture
def make_np() -> Callable[[Path], Index]:
    """The second layout of CUHK03."""
    return make_cuhk03_np


@pytest.fixture
def cuhk03() -> tuple[list[list[tuple[int, int]]], Callable[..., np.ndarray | None]]:
    """(test sets as (pair, index), cell(pair, index, column[, boxes])) of the CUHK03 folder."""
    return CUHK03_TEST_SETS, cuhk03_cell
