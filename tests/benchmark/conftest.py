"""A small raw folder in PKU layout, plug-in methods that behave and misbehave, a table, records."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from crossres.benchmark import Cell, Record, load_profile
from crossres.benchmark.config.profiles import profile_content
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.records.cell import key_of
from crossres.datasets import digest_of
from crossres.methods.interface.registry import resolve_options

PLUGIN = '''
"""Methods for the tests of the driver: one that works at once, in several moods."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from crossres.datasets.base.errors import InputError
from crossres.methods.interface.method import Method


@dataclass(frozen=True)
class Options:
    mood: Literal["well", "raises", "unusable", "dies", "nan", "wide", "slow", "crowd"] = "well"
    bins: int = 2
    marker: str = ""


class Colour(Method):
    name = "colour"
    title = "Mean colours of stripes"
    grade = "control"
    reference = "none"
    Options = Options

    def fit(self, train, run):
        mood = self.options.mood
        if self.options.marker:
            Path(self.options.marker).touch()
        if mood == "raises":
            print("a line on standard output")
            raise RuntimeError("no luck\\ntoday")
        if mood == "unusable":
            raise InputError("weights.pth: not there; download it")
        if mood == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if mood == "slow":
            for step in range(600):
                run.progress(step, 600)
                time.sleep(0.1)
        self.shift = np.array([run.seed_for("shift") % 7], dtype=np.float32)
        run.progress(1, 1)

    def embed(self, images):
        stripes = np.array_split(images.astype(np.float32), self.options.bins, axis=1)
        found = np.concatenate([s.mean(axis=(1, 2)) for s in stripes], axis=1) + self.shift
        if self.options.mood == "nan":
            found[0, 0] = np.nan
        if self.options.mood == "crowd":
            found -= found.mean(axis=0)
        if self.options.mood == "wide":
            return found.astype(np.float64)
        return found.astype(np.float32)

    def reconstructions(self, images):
        return {"negative": 255 - images} if self.options.bins == 3 else {}

    def arrays(self):
        return {"shift": self.shift}

    def restore(self, arrays):
        self.shift = arrays["shift"]
'''

TABLE = """
id = "mine"
title = "A table of mine"
datasets = ["mlr-pku"]
metrics = ["rank1", "mAP"]
seeds = [0, 1]

[[rows]]
label = "Two stripes"
method = "colour"

[[rows]]
label = "Three stripes"
method = "colour"
options = { bins = 3 }
"""

MACHINE = {"crossres": "1", "python": "3.12", "torch": "2.9", "numpy": "2", "platform": "Linux",
           "device": "cpu", "threads": 1}  # fmt: skip

COUNTS = ("train_images", "train_pids", "query_images", "query_pids", "gallery_images",
          "gallery_pids", "parameters", "embedding_size")  # fmt: skip

PROFILE = """
name = "mini"
height = 16
width = 8
train = { iterations = 1 }

[backbone]
name = "resnet-small"
weights = "none"

[typical_seconds]
colour = 0.5
"""


@pytest.fixture(scope="session")
def plugin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks to Python like site-packages with our plug-in installed."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "colour_plugin.py").write_text(PLUGIN)
    info = folder / "colour_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: colour-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crossres.methods]\ncolour = colour_plugin:Colour\n")
    return folder


@pytest.fixture
def plugin(plugin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The plug-in, found here and in the workers."""
    monkeypatch.syspath_prepend(str(plugin_folder))
    importlib.invalidate_caches()
    yield plugin_folder
    sys.modules.pop("colour_plugin", None)


@pytest.fixture(scope="session")
def pku_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with PKUv1a_128x48: 10 people, 2 cameras, 2 orientations, coloured noise."""
    root = tmp_path_factory.mktemp("raw")
    folder = root / "PKUv1a_128x48"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for pid in range(1, 11):
        colour = rng.integers(40, 215, 3)
        for name in (f"{pid:03}_{cam:02}_{turn}.png" for cam in (1, 2) for turn in (1, 2)):
            noise = rng.integers(-40, 40, (32, 16, 3))
            Image.fromarray((colour + noise).astype(np.uint8)).save(folder / name)
    return root


@pytest.fixture
def table_path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(TABLE)
    return path


@pytest.fixture
def profile_path(tmp_path: Path) -> Path:
    path = tmp_path / "mini.toml"
    path.write_text(PROFILE)
    return path


@pytest.fixture
def make() -> Callable[..., Record]:
    """Make a record of one cell; `value` is every metric, `outputs` tells its digests apart."""

    def make(
        value: float = 0.5,
        method: str = "plain",
        dataset: str = "mlr-viper",
        seed: int = 0,
        source: str = "twin:tiny:1",
        manifest: str = "",
        outputs: str = "",
        profile: dict[str, Any] | None = None,
        **options: Any,
    ) -> Record:
        loaded = load_profile("smoke")
        content = profile_content(loaded, method) | (profile or {})
        resolved = resolve_options(method, loaded, options)
        cell = Cell(method, resolved, dataset, "mlr-sing", source, seed, "smoke")
        digest = {
            name: digest_of(name.encode(), *(str(part).encode() for part in parts))
            for name, parts in {
                "manifest": (dataset, seed, source, manifest),
                "pixels": (dataset, seed, source, manifest),
                "weights": (method, dataset, seed, value, outputs),
                "embeddings": (method, dataset, seed, value, outputs),
                "code": (method,),
            }.items()
        }
        return Record(
            key=key_of(cell, content, digest["manifest"]),
            cell=cell,
            profile=content,
            metrics={"single-shot": {**dict.fromkeys(METRICS, value), "valid_queries": 9}},
            cmc={"single-shot": (value,) * 50},
            digests=digest,
            counts=dict.fromkeys(COUNTS, 7),
            seconds=dict.fromkeys(("prepare", "fit", "embed", "evaluate"), 2.0) | {"total": 10.0},
            peak_memory_bytes=1000,
            environment=MACHINE,
        )

    return make
