"""The quick twins are hard in the right way: a trained network reads them, and not too well."""

from pathlib import Path

import numpy as np
import pytest

from crossres.benchmark import Rules, load_profile
from crossres.benchmark.metrics.measure import measure
from crossres.benchmark.metrics.own_images import ImageIds
from crossres.benchmark.runs.cell import train_set
from crossres.datasets import Manifest, PixelStore, Source, build_manifest, open_raw, open_store
from crossres.methods import Method, Run
from crossres.methods.interface.registry import method_class
from tests.benchmark.metrics.known import known

SETS = ("caviar", "mlr-market", "mlr-cuhk03", "mlr-viper", "mlr-sysu", "mlr-vru", "vric")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def opened(dataset: str, seed: int, cache: Path) -> tuple[Manifest, PixelStore]:
    profile = load_profile("quick")
    raw = open_raw(dataset, Source(size=profile.twin_size), cache)
    manifest = build_manifest(raw, seed=seed)
    return manifest, open_store(raw, manifest, profile.height, profile.width, cache)


def rank1(method: Method, manifest: Manifest, store: PixelStore) -> float:
    """Single-shot rank-1 of the LR queries against the HR gallery."""
    query, gallery = manifest.rows("query"), manifest.rows("gallery")
    columns = (rows[name].to_numpy() for name in ("pid", "camid") for rows in (query, gallery))
    embedded = [method.embed(np.asarray(store.images(split))) for split in ("query", "gallery")]
    distances = method.distances(*embedded)
    measured = measure(known(distances), ImageIds(*columns), Rules("single-shot"))
    return measured.rank1


@pytest.mark.slow
@pytest.mark.parametrize("dataset", SETS)
def test_a_trained_network_reads_the_twin_and_not_too_well(dataset: str, cache: Path) -> None:
    scores = []
    for seed in (0, 1):
        manifest, store = opened(dataset, seed, cache)
        plain = method_class("plain")(load_profile("quick"))
        plain.fit(train_set(manifest, store), Run(seed))
        scores.append(rank1(plain, manifest, store))
    assert 0.40 < np.mean(scores) < 0.80
