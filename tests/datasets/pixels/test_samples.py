"""Samples are what a pixel store holds of the same manifest, of pairs that a protocol makes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossres.datasets import InputError, Raw, Source, build_manifest, open_raw, open_store
from crossres.datasets.pixels.plan import HR_RATES
from crossres.datasets.pixels.samples import samples
from crossres.datasets.readers.parts.listing import open_image
from crossres.datasets.resampling.integer import downsample

HEIGHT, WIDTH = 32, 16
TINY = Source(size="tiny")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def opened(dataset: str, cache: Path) -> Raw:
    return open_raw(dataset, TINY, cache)


@pytest.mark.parametrize("dataset", ["caviar", "mlr-market", "mlr-vru", "vric"])
def test_a_query_is_what_the_store_holds(dataset: str, cache: Path) -> None:
    raw = opened(dataset, cache)
    manifest = build_manifest(raw)
    store = open_store(raw, manifest, HEIGHT, WIDTH, cache)
    drawn = samples(raw, manifest, 3, HEIGHT, WIDTH)
    assert len({sample.pid for sample in drawn}) == 3
    for sample in drawn:
        for split, path, camid, shown in (
            ("query", sample.query_path, sample.query_camid, sample.query),
            ("gallery", sample.gallery_path, sample.gallery_camid, sample.gallery[0]),
        ):
            rows = manifest.rows(split)
            (row,) = rows.index[rows["path"] == path]
            entry = rows.loc[row, ["pid", "camid", "rate"]].tolist()
            assert entry == [sample.pid, camid, shown.rate]
            assert np.array_equal(shown.pixels, store.images(split)[row])
        assert sample.gallery[0].rate == 1
        assert sample.query_camid != sample.gallery_camid or sample.query_camid == -1


@pytest.mark.parametrize(
    ("protocol", "grid"), [("mlr-sing", None), ("mlr-sing[grid=input]", "input")]
)
def test_a_size_is_what_the_rate_left(protocol: str, grid: str | None, cache: Path) -> None:
    raw = opened("mlr-viper", cache)
    (sample,) = samples(raw, build_manifest(raw, protocol), 1, HEIGHT, WIDTH)
    native = open_image(raw.folder, sample.gallery_path)
    to_shrink = np.zeros((HEIGHT, WIDTH, 3), np.uint8) if grid else native
    sizes = [downsample(to_shrink, rate).shape[:2] for rate in HR_RATES[1:]]
    assert [shown.size for shown in sample.gallery] == [native.shape[:2], *sizes]


def test_more_identities_begin_with_the_same(cache: Path) -> None:
    raw = opened("mlr-market", cache)
    manifest = build_manifest(raw)
    few, many = (
        [sample.query_path for sample in samples(raw, manifest, count, HEIGHT, WIDTH)]
        for count in (2, 1000)
    )
    assert many[:2] == few
    assert len(many) == manifest.rows("query")["pid"].nunique()
    box = build_manifest(raw, "mlr-perid[kernel=box]")
    assert [sample.query_path for sample in samples(raw, box, 2, HEIGHT, WIDTH)] == few


def test_without_an_hr_gallery_image_there_is_none(cache: Path) -> None:
    raw = opened("mlr-viper", cache)
    manifest = build_manifest(raw)
    lr = replace(manifest, table=manifest.table.assign(rate=2))
    with pytest.raises(InputError, match="no identity has an HR gallery image and a query of"):
        samples(raw, lr, 1, HEIGHT, WIDTH)
    camera = manifest.table.assign(camid=1)
    with pytest.raises(InputError, match="choose another protocol"):
        samples(raw, replace(manifest, table=camera), 1, HEIGHT, WIDTH)
