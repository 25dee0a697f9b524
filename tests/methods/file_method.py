"""A quick method in a file, as a user writes one, with files beside it that it imports."""

from pathlib import Path

import pytest

from crossres.methods.interface import registry

FILE = '''"""Mean colours of stripes."""

from dataclasses import dataclass

import json

import numpy as np
from stripes import stripes

from crossres import Method


@dataclass(frozen=True)
class Options:
    bins: int = 2
    rates: tuple[int, ...] = (2, 3)
    weight: float = 1.0
    note: str | None = None


class Colours(Method):
    name = "file-colours"
    title = "Colours of a file"
    grade = "control"
    reference = "nothing"
    Options = Options
    small_options = {"bins": 2}
    mean = None

    def fit(self, train, run):
        self.mean = stripes(train.images, self.options.bins).mean(axis=0)
        run.progress(1, 1)

    def embed(self, images):
        found = stripes(images, self.options.bins) - self.mean
        return found.astype(np.float32)

    def arrays(self):
        return {"mean": self.mean}

    def restore(self, arrays):
        self.mean = arrays["mean"]
'''
STRIPES = '''"""Stripes of images."""

import numpy as np


def stripes(images, bins):
    from parts import scale

    parts = np.array_split(images, bins, axis=1)
    return scale.scaled(np.concatenate([part.mean(axis=(1, 2)) for part in parts], axis=1))
'''
SCALE = "def scaled(x):\n    return x / 255.0\n"


def know_no_method_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know no method in a file that was named before; forget with the test what it names."""
    monkeypatch.setattr(registry, "_read", {})
    monkeypatch.setattr(registry, "_kept", {})


def write_method(folder: Path) -> Path:
    """Write colours.py into a folder, with what it imports, and return its path."""
    (folder / "parts").mkdir(parents=True)
    (folder / "stripes.py").write_text(STRIPES)
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "scale.py").write_text(SCALE)
    path = folder / "colours.py"
    path.write_text(FILE)
    return path
