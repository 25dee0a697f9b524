"""The splits of the first protocols, on the tiny twins, are for ever what they were."""

import csv
from pathlib import Path

import pytest

from crossres.datasets import InputError, Source, build_manifest, open_raw

ROWS = list(csv.DictReader(Path(__file__).with_name("first_protocols.csv").open()))
SETS = sorted({row["dataset"] for row in ROWS})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("dataset", SETS)
def test_no_digest_of_the_first_protocols_has_changed(dataset, cache):
    """A change here changes everybody's splits: it needs another suite name in the draws."""
    raw = open_raw(dataset, Source(size="tiny"), cache)
    expected = {
        (row["protocol"], int(row["seed"])): row["digest"]
        for row in ROWS
        if row["dataset"] == dataset
    }
    digests = {(name, seed): build_manifest(raw, name, seed).digest for name, seed in expected}
    assert digests == expected
    for name in {"mlr-sing[balanced=true]", "mlr-perid"} - {name for name, _ in expected}:
        with pytest.raises(InputError, match="natively LR"):
            build_manifest(raw, name)
