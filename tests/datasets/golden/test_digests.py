"""The published digests: the table, the twins, and the check of an owner."""

import hashlib
from collections import Counter
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from crossres.datasets import CARDS, InputError, Raw, RawImage, Source, build_manifest, open_raw
from crossres.datasets.golden import digests as module
from crossres.datasets.golden.digests import differing, golden_part, published
from crossres.datasets.twins import TWIN_VERSION, draw_twin

TABLE = published()
TINY = sorted({row.dataset for row in TABLE if row.source.startswith("twin:tiny:")})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


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
    ((row, computed),) = differing(raw)
    assert (row.part, row.images) == ("pixels", computed.images)


def test_a_row_that_differs_is_found(cache, monkeypatch):
    raw = open_raw("mlr-viper", Source(size="tiny"), cache)
    wrong = [replace(row, digest="0" * 64) if row.seed == 3 else row for row in TABLE]
    monkeypatch.setattr(module, "published", lambda: wrong)
    pairs = differing(raw)
    assert {row.seed for row, _ in pairs} == {3}
    assert all(new.digest == build_manifest(raw, new.protocol, 3).digest for _, new in pairs)


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
    full = golden_part(raw, "mlr-sing", 1, "manifest")
    assert (full.digest, full.images, full.lr) == (build_manifest(raw, seed=1).digest, 4, 2)
