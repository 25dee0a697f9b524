"""PSNR and SSIM against scikit-image, and what is compared with what."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from crossres.benchmark.measures.restoration import (
    MOST_QUERIES,
    drawn_queries,
    psnr,
    restoration_of,
    ssim,
)
from crossres.benchmark.runs.data import SurveyRequest, survey
from crossres.datasets import Manifest, build_manifest, open_raw, open_store
from crossres.datasets.pixels.originals import hr_originals, versions_at
from crossres.datasets.raw.source import Raw, Source
from crossres.datasets.resampling.integer import resample

HEIGHT, WIDTH = 24, 14


def silent(phase: str, done: int, total: int) -> None:
    del phase, done, total


@pytest.mark.parametrize("size", [(40, 17), (11, 11), (64, 32)])
def test_measures_agree_with_scikit_image(size: tuple[int, int]) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(3)
    smooth = rng.integers(0, 256, (4, 8, 4, 3), dtype=np.uint8)
    originals = resample(smooth, *size, "bicubic")
    noise = rng.normal(0, [[[[2]]], [[[9]]], [[[40]]], [[[0.4]]]], originals.shape)
    images = np.clip(originals + noise, 0, 255).astype(np.uint8)
    settings = {
        "channel_axis": 2,
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 255,
    }
    pairs = list(zip(originals, images, strict=True))
    expected = [metrics.structural_similarity(x, y, **settings) for x, y in pairs]
    np.testing.assert_allclose(ssim(images, originals), expected, atol=1e-12)
    expected = [metrics.peak_signal_noise_ratio(x, y, data_range=255) for x, y in pairs]
    np.testing.assert_allclose(psnr(images, originals), expected, atol=1e-12)


def test_extremes() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 20, 20, 3), dtype=np.uint8)
    assert psnr(image, image).tolist() == [np.inf]
    assert ssim(image, image) == pytest.approx([1.0])
    black, white = np.zeros_like(image), np.full_like(image, 255)
    assert psnr(white, black) == pytest.approx([0.0])
    assert ssim(white, black) == pytest.approx([0.0], abs=1e-3)
    assert np.isnan(ssim(image[:, :, :10], image[:, :, :10])).all()


def paths_of_drawn(manifest: Manifest) -> list[str]:
    paths = manifest.rows("query")["path"].to_numpy()[drawn_queries(manifest)]
    return [str(path) for path in paths]


class Rebuilder:
    """Gives black images, and the HR originals themselves."""

    def __init__(self, original_of: dict[bytes, NDArray[np.uint8]]) -> None:
        self.original_of, self.sizes = original_of, list[int]()

    def reconstructions(self, images: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        self.sizes.append(len(images))
        perfect = np.stack([self.original_of.get(image.tobytes(), image) for image in images])
        return {"black": np.zeros_like(images), "perfect": perfect}


@pytest.fixture
def split(pku_root: Path, tmp_path: Path) -> tuple[Raw, Manifest, Path]:
    source = Source(pku_root, partial=True, other_sizes=True)
    survey(SurveyRequest("mlr-pku", source, tmp_path, (0,)), silent)
    raw = open_raw("mlr-pku", source, tmp_path)
    return raw, build_manifest(raw, None, 0), tmp_path


def test_originals_are_the_raw_files_at_the_input_size(split: Any) -> None:
    raw, manifest, _ = split
    paths = manifest.rows("query")["path"].tolist()
    originals = hr_originals(raw, manifest, paths, HEIGHT, WIDTH)
    for image, path in zip(originals, paths, strict=True):
        pixels = np.asarray(Image.open(raw.folder / path).convert("RGB"))
        assert (image == resample(pixels, HEIGHT, WIDTH, "bilinear")).all()
    assert hr_originals(raw, manifest, [], HEIGHT, WIDTH).shape == (0, HEIGHT, WIDTH, 3)


def test_each_query_is_compared_with_its_own_original(split: Any) -> None:
    raw, manifest, cache = split
    store = open_store(raw, manifest, HEIGHT, WIDTH, cache)
    query = manifest.rows("query")
    originals = hr_originals(raw, manifest, query["path"].tolist(), HEIGHT, WIDTH)
    lowered = np.asarray(store.images("query"))
    original_of = {a.tobytes(): b for a, b in zip(lowered, originals, strict=True)}
    method: Any = Rebuilder(original_of)
    arrays = restoration_of(method, raw, manifest, store)
    assert arrays["restored_labels"].tolist() == ["input", "black", "perfect"]
    rates = query["rate"].to_numpy()
    assert arrays["restored_rates"].tolist() == np.unique(rates).tolist()
    assert arrays["restored_counts"].tolist() == np.unique(rates, return_counts=True)[1].tolist()
    assert (arrays["restored_psnr"][:, 2] == np.inf).all()
    assert arrays["restored_ssim"][:, 2] == pytest.approx(1.0)
    for row, rate in enumerate(arrays["restored_rates"]):
        some = rates == rate
        expected = psnr(lowered[some], originals[some]).mean()
        assert arrays["restored_psnr"][row, 0] == pytest.approx(expected)
        expected = ssim(np.zeros_like(lowered[some]), originals[some]).mean()
        assert arrays["restored_ssim"][row, 1] == pytest.approx(expected)
    assert max(method.sizes) <= 16


def test_the_spread_is_between_all_pairs_of_versions_of_an_image(split: Any) -> None:
    raw, manifest, cache = split
    store = open_store(raw, manifest, HEIGHT, WIDTH, cache)
    originals = hr_originals(raw, manifest, manifest.rows("query")["path"].tolist(), HEIGHT, WIDTH)
    versions = versions_at((1, 2, 3, 4), raw, manifest, paths_of_drawn(manifest), HEIGHT, WIDTH)
    pairs = [
        ((versions[a].astype(float) - versions[b]) ** 2).mean()
        for a, b in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
    ]
    method: Any = Rebuilder({})
    spread = restoration_of(method, raw, manifest, store)["restored_spread"]
    assert spread[0] == pytest.approx(np.sqrt(np.mean(pairs)))
    assert spread[1] == 0.0  # all versions become black
    assert (versions[0][0] == originals[drawn_queries(manifest)[0]]).all()


def test_natively_lr_queries_have_no_original(split: Any) -> None:
    raw, manifest, cache = split
    table = manifest.table.copy()
    table.loc[table["split"] == "query", "rate"] = 0
    native = Manifest(manifest.dataset, manifest.protocol, 0, table)
    store = open_store(raw, native, HEIGHT, WIDTH, cache)
    method: Any = Rebuilder({})
    arrays = restoration_of(method, raw, native, store)
    assert arrays["restored_rates"].tolist() == []
    assert arrays["restored_psnr"].shape == arrays["restored_ssim"].shape == (0, 3)
    assert np.isnan(arrays["restored_spread"]).all()


def test_a_method_without_reconstructions_has_no_measures(split: Any) -> None:
    raw, manifest, cache = split
    method: Any = Rebuilder({})
    method.reconstructions = lambda _: {}
    store = open_store(raw, manifest, HEIGHT, WIDTH, cache)
    assert restoration_of(method, raw, manifest, store) == {}


def test_the_queries_are_drawn_one_by_one(split: Any) -> None:
    _, manifest, _ = split
    rows = drawn_queries(manifest)
    paths = manifest.rows("query")["path"].to_numpy()[rows].tolist()
    gone = manifest.table[manifest.table["path"] != paths[0]]
    fewer = Manifest(manifest.dataset, manifest.protocol, 0, gone)
    fewer_drawn = fewer.rows("query")["path"].to_numpy()[drawn_queries(fewer)].tolist()
    assert fewer_drawn == paths[1:]
    assert len(rows) == min(MOST_QUERIES, int((manifest.rows("query")["rate"] > 1).sum()))
