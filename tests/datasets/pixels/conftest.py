"""A small VIPeR whose images become the pixels of a store."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crossres.datasets import Manifest, Raw, Source, build_manifest, open_raw


@pytest.fixture
def viper(make: Callable[[str, Path], object], tmp_path: Path) -> tuple[Raw, Manifest, Path]:
    """(raw, manifest, cache): 16 images, and a cache in which nothing is stored yet."""
    make("mlr-viper", tmp_path / "raw")
    raw = open_raw("mlr-viper", Source(tmp_path / "raw"), tmp_path / "cache")
    return raw, build_manifest(raw), tmp_path / "cache"
