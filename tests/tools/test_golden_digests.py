"""The maker of the published digests: the lists that it reads, and the table that it prints."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import io

from crossres.datasets import InputError, build_manifest
from crossres.datasets.golden.digests import TABLE, golden_part, published
from tools import golden_digests
from tools.golden_digests import (
    DECIDED,
    cuhk03_from_lists,
    cuhk03_np_from_lists,
    decided_rows,
    market_from_lists,
    msmt17_from_lists,
    msmt17_v2_from_lists,
    read_lists,
    twin_rows,
)

NAME = "0002_c1s1_000451_03.jpg"
NAMES = ["1_001_1_01.png", "1_001_2_06.png", "2_010_1_02.png"]
CONFIG = {
    "filelist": np.array(NAMES, dtype=object),
    "labels": np.uint16([1, 1, 2]),
    "camId": np.uint8([1, 2, 1]),
    "train_idx": np.uint16([3]),
    "query_idx": np.uint16([1]),
    "gallery_idx": np.uint16([2]),
}


def save(file: Path, lists: dict[str, Any]) -> None:
    io.savemat(file, lists, do_compression=True)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Lists of a training image, two queries and a test image; of three images of CUHK03."""
    (tmp_path / "market1501_train_names.txt").write_text(f"{NAME} 0\n\n")
    for name, values in (("query", [[3], [-1]]), ("test", [[0]])):
        for field in ("ID", "Cam"):
            numbers = np.int16(values) if field == "ID" else np.ones(len(values))
            save(tmp_path / f"market1501_{name}{field}.mat", {name + field: numbers})
    for boxes in ("detected", "labeled"):
        config = tmp_path / f"cuhk03_new_protocol_config_{boxes}.mat"
        save(config, CONFIG)
    (tmp_path / "msmt17").mkdir()
    for number, name in enumerate(("train", "val", "query", "gallery")):
        line = f"0000/0000_00{number}_15_0303noon_0015_0_ex.jpg 0\n"
        (tmp_path / "msmt17" / f"list_{name}.txt").write_text(line)
    return tmp_path


def refusal(read: Callable[[Path], Any], path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_lists_become_images(small: Path) -> None:
    market = market_from_lists(small).images
    assert [(i.path, i.pid, i.camid, i.part) for i in market] == [
        ("bounding_box_test/placeholder-00000.jpg", 0, 1, "gallery"),
        (f"bounding_box_train/{NAME}", 2, 1, "train"),
        ("query/placeholder-00000.jpg", 3, 1, "query"),
        ("query/placeholder-00001.jpg", -1, 1, "query"),
    ]
    cells = [i for i in cuhk03_from_lists(small).images if i.boxes == "detected"]
    assert [(i.path, i.pid, i.camid) for i in cells] == [
        ("detected/1/1/1", 1001, 11),
        ("detected/1/1/6", 1001, 12),
        ("detected/2/10/2", 2010, 21),
    ]
    files = [i for i in cuhk03_np_from_lists(small).images if i.boxes == "labeled"]
    assert [(i.path, i.pid, i.camid, i.part) for i in files] == [
        ("labeled/bounding_box_test/0001_c2_2.png", 1, 2, "gallery"),
        ("labeled/bounding_box_train/0002_c1_3.png", 2, 1, "train"),
        ("labeled/query/0001_c1_1.png", 1, 1, "query"),
    ]


def test_the_lists_of_msmt17_are_those_of_both_versions(small: Path) -> None:
    first, second = msmt17_from_lists(small).images, msmt17_v2_from_lists(small).images
    assert [(i.path, i.pid, i.camid, i.part) for i in first] == [
        ("test/0000/0000_002_15_0303noon_0015_0_ex.jpg", 1_000_000, 15, "query"),
        ("test/0000/0000_003_15_0303noon_0015_0_ex.jpg", 1_000_000, 15, "gallery"),
        ("train/0000/0000_000_15_0303noon_0015_0_ex.jpg", 999_999, 15, "train"),
        ("train/0000/0000_001_15_0303noon_0015_0_ex.jpg", 999_999, 15, "train"),
    ]
    assert [image.alias for image in second] == [image.path for image in first]
    assert {i.path.split("/")[0] for i in second} == {"mask_train_v2", "mask_test_v2"}


# --- lists that cannot be used --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"MATLAB 7.3 MAT-file", "but a MATLAB file of version 7.3 (HDF5); save it with -v7"),
        (b"\x89HDF\r\n\x1a\n", "but an HDF5 file; save it with -v7"),
        (b"<!DOCTYPE html><html>404</html>", "but a web page; download it again"),
        (b"1 2 3", "but something else; copy it again"),
        (b"", "but an empty file (0 bytes); copy it again"),
    ],
)
def test_a_list_of_another_sort_is_named(content: bytes, expected: str, tmp_path: Path) -> None:
    (tmp_path / "l.mat").write_bytes(content)
    message = refusal(read_lists, tmp_path / "l.mat")
    assert message == f"{tmp_path / 'l.mat'}: not a list in a MATLAB 5 file {expected}"


@pytest.mark.parametrize("name", ["market1501_queryID", "cuhk03_new_protocol_config_labeled"])
def test_a_damaged_list_is_one_clear_error(small: Path, name: str) -> None:
    file = small / f"{name}.mat"
    content = file.read_bytes()
    middle = len(content) // 2
    zeros = content[:140] + b"\0" * 900
    for damaged in (content[:100], content[:140], content[:middle], content[:-5], zeros):
        file.write_bytes(damaged)
        message = refusal(read_lists, file)
        assert message.startswith(f"{file}: not a list in a MATLAB 5 file (damaged")
        assert message.endswith("; copy it again, or save it with -v7")


def test_a_list_without_checksum_is_refused(tmp_path: Path) -> None:
    """Where one is damaged, loadmat of scipy 1.17 can end the process."""
    io.savemat(tmp_path / "l.mat", CONFIG)
    assert "(damaged, or not compressed)" in refusal(read_lists, tmp_path / "l.mat")


FUZZ = """
import random, sys
from pathlib import Path
from crossres.datasets import InputError
from tools.golden_digests import read_lists

content, outcomes = Path(sys.argv[1]).read_bytes(), []
for case in range(400):
    damaged, dice = bytearray(content), random.Random(case)
    for _ in range(dice.choice((1, 1, 2, 5))):
        damaged[dice.randrange(128, len(damaged))] ^= dice.choice((1, 8, 64, 128, 255))
    file = Path(sys.argv[2])
    file.write_bytes(damaged[: dice.randrange(len(damaged)) if case % 4 == 0 else None])
    try:
        outcomes.append(sorted(read_lists(file)))
    except InputError:
        outcomes.append("refused")
print(outcomes.count("refused"), len(outcomes))
"""


@pytest.mark.parametrize("has_checksums", [True, False])
def test_no_damage_ends_the_process(tmp_path: Path, has_checksums: bool) -> None:
    """Also where a variable without checksum stands behind those that have one."""
    save(tmp_path / "l.mat", CONFIG)
    if not has_checksums:
        io.savemat(tmp_path / "more.mat", {"names": CONFIG["filelist"]})
        more = (tmp_path / "more.mat").read_bytes()[128:]
        (tmp_path / "l.mat").write_bytes((tmp_path / "l.mat").read_bytes() + more)
    files = [str(tmp_path / name) for name in ("l.mat", "damaged.mat")]
    process = subprocess.run(
        [sys.executable, "-c", FUZZ, *files], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    refused, cases = map(int, process.stdout.split())
    assert cases == 400
    # Some changes leave a list as it is (the level of compression), or cut it between variables.
    assert refused > 360


def test_a_missing_list_is_named(small: Path) -> None:
    (small / "market1501_testCam.mat").unlink()
    message = refusal(market_from_lists, small)
    assert message.startswith(f"{small / 'market1501_testCam.mat'}: cannot be read (")
    assert message.endswith("; check the path")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"queryID": [3.0, 2.5]}, "holds something else where whole numbers belong; copy it again"),
        ({"queryID": ["a", "b"]}, "holds something else where whole numbers belong"),
        ({"queryID": np.array(NAMES, dtype=object)}, "holds something else where whole"),
        ({"queryID": {"pid": 3}}, "holds something else where whole"),
        (CONFIG, "holds filelist, labels, camId, train_idx, query_idx, gallery_idx, not one list"),
        ({"queryID": [3]}, "not as long as market1501_queryCam.mat; get both again"),
    ],
)
def test_other_contents_of_a_list_of_market_are_refused(
    content: dict[str, Any], expected: str, small: Path
) -> None:
    save(small / "market1501_queryID.mat", content)
    message = refusal(market_from_lists, small)
    assert message.startswith(f"{small / 'market1501_queryID.mat'}: {expected}")


def test_a_name_that_is_none_of_market_is_refused(small: Path) -> None:
    (small / "market1501_train_names.txt").write_text("0002_c1.jpg\n")
    message = refusal(market_from_lists, small)
    assert message.endswith("names.txt: 0002_c1.jpg is no name of Market-1501; copy it again")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"labels": None}, "lacks the list 'labels', it holds filelist, camId, train_idx"),
        ({"labels": NAMES}, "holds something else where whole numbers belong"),
        ({"labels": [1, 1]}, "its lists are not of the same length"),
        ({"query_idx": [2]}, "its parts do not divide the list of names"),
        ({"query_idx": [1, 2]}, "its parts do not divide the list of names"),
        ({"filelist": [1, 2, 3]}, "its filelist holds other than names of CUHK03"),
        (
            {"filelist": np.array([*NAMES[:2], "3.png"], dtype=object)},
            "its filelist holds other than names of CUHK03",
        ),
    ],
)
def test_other_contents_of_a_configuration_are_refused(
    changes: dict[str, Any], expected: str, small: Path
) -> None:
    file = small / "cuhk03_new_protocol_config_detected.mat"
    save(file, {name: value for name, value in (CONFIG | changes).items() if value is not None})
    for read in (cuhk03_from_lists, cuhk03_np_from_lists):
        assert refusal(read, small).startswith(f"{file}: {expected}")


# --- the real name lists --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lists(shared: Path) -> Path:
    folder = shared / "data" / "lists"
    if not folder.is_dir():
        pytest.skip(f"no name lists at {folder}")
    return folder


def test_placeholder_names_of_test_images_do_not_matter(lists: Path) -> None:
    raw = market_from_lists(lists)
    renamed = [
        image if image.part == "train" else replace(image, path=image.path.replace("hold", "x"))
        for image in raw.images
    ]
    owner = replace(raw, images=tuple(sorted(renamed, key=lambda image: image.path)))
    row = next(row for row in published() if (row.source, row.protocol) == ("real", "mlr-mixed"))
    assert golden_part(owner, row.protocol, row.seed, row.part) == row
    assert build_manifest(owner, "mlr-mixed", 0).digest != build_manifest(raw, "mlr-mixed").digest


def test_lists_of_market_have_the_published_counts(lists: Path) -> None:
    raw = market_from_lists(lists)
    parts = Counter(image.part for image in raw.images)
    assert parts == {"train": 12936, "query": 3368, "gallery": 19732}
    assert Counter(min(i.pid, 1) for i in raw.images if i.part == "gallery") == {
        1: 13115,
        0: 2798,
        -1: 3819,
    }


@pytest.mark.parametrize("seed", [0, 9])
def test_the_subset_of_market_is_of_the_stated_size(lists: Path, seed: int) -> None:
    raw = market_from_lists(lists)
    train = build_manifest(raw, "market-3561", seed).rows("train")
    assert (len(train), train["pid"].nunique()) == (3561, 751)
    assert len(train[["pid", "camid"]].drop_duplicates()) == 3262
    full = build_manifest(raw, "mlr-perid", seed).rows("train")
    rates = dict(zip(full["path"], full["rate"], strict=True))
    assert all(rates[row.path] == row.rate for row in train.itertuples())


def test_lists_of_cuhk03_name_the_cells_of_the_mat_file(lists: Path) -> None:
    raw = cuhk03_from_lists(lists)
    assert Counter(image.boxes for image in raw.images) == {"detected": 14097, "labeled": 14096}
    for image in raw.images:
        _, pair, _, column = image.path.split("/")
        assert image.camid == int(pair) * 10 + (1 if int(column) <= 5 else 2)
    detected = [image for image in raw.images if image.boxes == "detected"]
    assert len({image.pid for image in detected}) == 1467
    assert Counter(image.camid % 10 for image in detected) == {1: 6918, 2: 7179}


def test_lists_of_cuhk03_np_give_the_official_parts_and_a_pooled_split(lists: Path) -> None:
    raw = cuhk03_np_from_lists(lists)
    official = build_manifest(raw, "mlr-official")
    sizes = {split: len(official.rows(split)) for split in ("train", "query", "gallery")}
    assert sizes == {"train": 7365, "query": 1400, "gallery": 5332}
    paths = set(official.table["path"])
    # as public descriptions of the folders show them
    described = ["bounding_box_train/0001_c1_1", "bounding_box_train/0001_c1_2", "query/0003_c1_22"]
    described += ["bounding_box_test/0003_c1_21", "bounding_box_test/0003_c1_23"]
    assert {f"detected/{name}.png" for name in described} <= paths
    pooled = build_manifest(raw, "mlr-sing")
    assert pooled.rows("gallery")["pid"].nunique() == 100
    assert pooled.rows("train")["pid"].nunique() == 1367
    assert set(pooled.rows("query")["camid"]) == {1}


# --- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("decided", DECIDED, ids=lambda decided: decided[0].__name__)
def test_real_lists_give_the_published_rows(decided: tuple[Any, ...], lists: Path) -> None:
    """One trial of each: all ten are for who makes a new table."""
    from_lists, protocols, parts = decided
    if "msmt17" in from_lists.__name__ and not (lists / "msmt17").is_dir():
        pytest.skip(f"no name lists at {lists / 'msmt17'}")
    rows = decided_rows(from_lists, protocols, parts, lists, range(1))
    keys = {astuple(row)[:5] for row in rows}
    assert rows == [row for row in published() if astuple(row)[:5] in keys]
    assert len(rows) == len(protocols) * len(parts)


def test_every_real_row_is_of_lists() -> None:
    real = Counter((row.dataset, row.seed) for row in published() if row.source.startswith("real"))
    makers = Counter(
        {"market": "mlr-market", "cuhk03": "mlr-cuhk03", "msmt17": "mlr-msmt17"}[
            from_lists.__name__.split("_")[0]
        ]
        for from_lists, protocols, parts in DECIDED
        for _ in range(len(protocols) * len(parts))
    )
    assert real == {(dataset, seed): n for dataset, n in makers.items() for seed in range(10)}


def test_a_twin_gives_the_published_rows(tmp_path: Path) -> None:
    rows = twin_rows("mlr-viper", "tiny", tmp_path, range(1))
    source = ("mlr-viper", rows[0].source)
    assert rows == [r for r in published() if (r.dataset, r.source) == source and r.seed == 0]


def test_the_tool_prints_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = [row for row in published() if row.source.startswith("real")]
    twins = [row for row in published() if row not in real]
    monkeypatch.setattr(golden_digests, "list_rows", lambda _: real)
    monkeypatch.setattr(
        golden_digests,
        "twin_rows",
        lambda dataset, size, _: [
            row for row in twins if row.dataset == dataset and f":{size}:" in row.source
        ],
    )
    assert golden_digests.main(["lists"]) == 0
    assert capsys.readouterr().out == TABLE.read_text(encoding="utf-8")


def test_the_tool_names_a_list_that_is_missing(tmp_path: Path) -> None:
    tool = [sys.executable, golden_digests.__file__]
    process = subprocess.run([*tool, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (2, "")
    missing = tmp_path / "market1501_train_names.txt"
    assert process.stderr.startswith(f"golden_digests: {missing}: not a readable list of names (")
    assert process.stderr.count("\n") == 1
