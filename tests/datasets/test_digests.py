"""The published digests: of twins, of what real name lists decide, and the check of an owner."""

import csv
import hashlib
import io
from collections import Counter
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from crossres.datasets import CARDS, InputError, Raw, RawImage, Source, build_manifest, open_raw
from crossres.datasets.golden import digests as module
from crossres.datasets.golden.digests import differing, golden_part, main, published
from crossres.datasets.golden.mat5 import read_mat5
from crossres.datasets.golden.name_lists import (
    cuhk03_from_lists,
    cuhk03_np_from_lists,
    market_from_lists,
)
from crossres.datasets.twins import TWIN_VERSION, draw_twin

TABLE = published()
TINY = sorted({row.dataset for row in TABLE if row.source.startswith("twin:tiny:")})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def lists(shared: Path) -> Path:
    return shared / "data" / "lists"


@pytest.mark.parametrize(
    ("dataset", "size"), [*((d, "tiny") for d in TINY), ("mlr-viper", "quick")]
)
def test_twins_have_the_published_digests(dataset, size, cache):
    assert differing(open_raw(dataset, Source(size=size), cache)) == []


def test_the_table_holds_ten_seeds_of_everything_and_no_row_twice():
    keys = Counter((row.dataset, row.source, row.protocol, row.part) for row in TABLE)
    assert {count for (*_, part), count in keys.items() if part != "pixels"} == {10}
    assert len({astuple(row)[:5] for row in TABLE}) == len(TABLE)
    assert all(len(row.digest) == 64 and 0 <= row.lr <= row.images for row in TABLE)
    assert all((row.lr == 0) == (row.part == "pixels") for row in TABLE)


def test_the_pixels_of_every_tiny_and_quick_twin_are_published():
    pixels = Counter((row.dataset, row.source) for row in TABLE if row.part == "pixels")
    twins = {f"twin:{size}:{TWIN_VERSION}" for size in ("tiny", "quick")}
    assert pixels == Counter((dataset, twin) for dataset in CARDS for twin in twins)


def test_one_level_in_one_pixel_is_another_digest(tmp_path):
    draw_twin("mlr-viper", tmp_path, "tiny")
    raw = open_raw("mlr-viper", Source(tmp_path), tmp_path)
    assert differing(raw) == []
    file = raw.folder / raw.images[5].path
    content = bytearray(file.read_bytes())
    content[1000] ^= 1  # a BMP keeps its pixels as they are
    file.write_bytes(content)
    ((row, found),) = differing(raw)
    assert (row.part, row.images) == ("pixels", found.images)


def test_a_row_that_differs_is_found(cache, monkeypatch):
    raw = open_raw("mlr-viper", Source(size="tiny"), cache)
    wrong = [replace(row, digest="0" * 64) if row.seed == 3 else row for row in TABLE]
    monkeypatch.setattr(module, "published", lambda: wrong)
    pairs = differing(raw)
    assert {row.seed for row, _ in pairs} == {3}
    assert all(found.digest == build_manifest(raw, found.protocol, 3).digest for _, found in pairs)


def test_a_raw_folder_without_published_rows_is_told(cache):
    raw = replace(open_raw("mlr-viper", Source(size="tiny"), cache), source="real")
    with pytest.raises(
        InputError, match="no digest of mlr-viper from real is published; there are some of twin"
    ):
        differing(raw)


def test_the_parts_are_what_the_document_says():
    images = [
        RawImage("cam_a/000_1.bmp", 0, 0),
        RawImage("cam_a/001_1.bmp", 1, 0),
        RawImage("cam_b/000_1.bmp", 0, 1),
        RawImage("cam_b/001_1.bmp", 1, 1),
    ]
    raw = Raw("mlr-viper", Path("raw"), "real", tuple(images))
    table = build_manifest(raw, seed=1).table
    rows = list(table.itertuples(index=False))
    expected = {
        "train": [f"{r.path},{r.pid},{r.camid},{r.rate}\n" for r in rows if r.split == "train"],
        "lr": [f"{r.path},{r.rate}\n" for r in rows if r.rate != 1],
        "test": [
            f"{r.split},{r.pid},{r.camid},{'hr' if r.rate == 1 else 'lr'},1\n"
            for r in rows
            if r.split != "train"
        ],
    }
    for part, lines in expected.items():
        row = golden_part(raw, "mlr-sing", 1, part)
        assert row.digest == hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
        assert row.images == len(lines) == 2
    whole = golden_part(raw, "mlr-sing", 1, "manifest")
    assert (whole.digest, whole.images, whole.lr) == (build_manifest(raw, seed=1).digest, 4, 2)


def test_the_command_wants_one_folder(capsys):
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


# --- the real name lists --------------------------------------------------------------------------


def test_placeholder_names_of_test_images_do_not_matter(lists):
    raw = market_from_lists(lists)
    named = [
        image if image.part == "train" else replace(image, path=image.path.replace("hold", "x"))
        for image in raw.images
    ]
    owner = replace(raw, images=tuple(sorted(named, key=lambda image: image.path)))
    row = next(row for row in TABLE if (row.source, row.protocol) == ("real", "mlr-mixed"))
    assert golden_part(owner, row.protocol, row.seed, row.part) == row
    assert build_manifest(owner, "mlr-mixed", 0).digest != build_manifest(raw, "mlr-mixed").digest


def test_lists_of_market_have_the_published_counts(lists):
    raw = market_from_lists(lists)
    parts = Counter(image.part for image in raw.images)
    assert parts == {"train": 12936, "query": 3368, "gallery": 19732}
    assert Counter(min(i.pid, 1) for i in raw.images if i.part == "gallery") == {
        1: 13115,
        0: 2798,
        -1: 3819,
    }


@pytest.mark.parametrize("seed", [0, 9])
def test_the_subset_of_market_is_of_the_stated_size(lists, seed):
    raw = market_from_lists(lists)
    train = build_manifest(raw, "market-3561", seed).rows("train")
    assert (len(train), train["pid"].nunique()) == (3561, 751)
    assert len(train[["pid", "camid"]].drop_duplicates()) == 3262
    whole = build_manifest(raw, "mlr-perid", seed).rows("train")
    rates = dict(zip(whole["path"], whole["rate"], strict=True))
    assert all(rates[row.path] == row.rate for row in train.itertuples())


def test_lists_of_cuhk03_name_the_cells_of_the_mat_file(lists):
    raw = cuhk03_from_lists(lists)
    assert Counter(image.boxes for image in raw.images) == {"detected": 14097, "labeled": 14096}
    for image in raw.images:
        _, pair, _, column = image.path.split("/")
        assert image.camid == int(pair) * 10 + (1 if int(column) <= 5 else 2)
    detected = [image for image in raw.images if image.boxes == "detected"]
    assert len({image.pid for image in detected}) == 1467
    assert Counter(image.camid % 10 for image in detected) == {1: 6918, 2: 7179}


def test_lists_of_cuhk03_np_give_the_official_parts_and_a_pooled_split(lists):
    raw = cuhk03_np_from_lists(lists)
    official = build_manifest(raw, "mlr-official")
    sizes = {split: len(official.rows(split)) for split in ("train", "query", "gallery")}
    assert sizes == {"train": 7365, "query": 1400, "gallery": 5332}
    paths = set(official.table["path"])
    # as public descriptions of the folders show them
    shown = ["bounding_box_train/0001_c1_1", "bounding_box_train/0001_c1_2", "query/0003_c1_22"]
    shown += ["bounding_box_test/0003_c1_21", "bounding_box_test/0003_c1_23"]
    assert {f"detected/{name}.png" for name in shown} <= paths
    pooled = build_manifest(raw, "mlr-sing")
    assert pooled.rows("gallery")["pid"].nunique() == 100
    assert pooled.rows("train")["pid"].nunique() == 1367
    assert set(pooled.rows("query")["camid"]) == {1}


def test_a_damaged_list_is_one_clear_error(lists, tmp_path):
    content = (lists / "market1501_queryID.mat").read_bytes()
    file = tmp_path / "queryID.mat"
    for damaged in (
        b"",
        content[:100],
        content[:-5],
        b"PNG" + content,
        content[:200] + b"\0" * 900,
    ):
        file.write_bytes(damaged)
        with pytest.raises(InputError, match=r"queryID\.mat: not a list") as caught:
            read_mat5(file)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="check the path"):
        market_from_lists(tmp_path)


def test_real_lists_give_the_published_table(lists, capsys, monkeypatch):
    """One trial of each row: all ten, and all twins, are for who makes a new table."""
    monkeypatch.setattr(module, "twin_rows", lambda *_: [])
    monkeypatch.setattr(module, "SEEDS", range(1))
    assert main([str(lists)]) == 0
    printed = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    expected = [[str(value) for value in astuple(row)] for row in TABLE]
    assert printed[1:] == [row for row in expected if row[1].startswith("real") and row[3] == "0"]
