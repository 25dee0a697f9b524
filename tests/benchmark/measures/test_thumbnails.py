"""Thumbnails: which images, how large, and vehicles upright."""

import io
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from crossres.benchmark.measures import thumbnails as module
from crossres.benchmark.measures.thumbnails import thumbnails_of
from crossres.datasets.splits.manifest import Manifest

Arrays = dict[str, NDArray[Any]]
COLOURS = np.array([[k * 20, 255 - k * 20, 128] for k in range(12)], np.uint8)
RANKED = {
    "ranked_queries": np.array([0, 2], np.int32),
    "ranked_rows": np.array([[3, 0, -1, -1, -1], [3, 5, -1, -1, -1]], np.int32),
    "first_rows": np.array([6, -1], np.int32),
}


class Store:
    """Four queries and eight gallery images of one colour each, of 32 x 16 pixels or larger."""

    def __init__(self, height: int = 32) -> None:
        images = np.broadcast_to(COLOURS[:, None, None], (12, height, height // 2, 3))
        self._images = {"query": images[:4], "gallery": images[4:]}

    def images(self, split: str) -> NDArray[np.uint8]:
        return self._images[split]


class Vehicles:
    """A raw folder of vehicles, or of people."""

    def __init__(self, subject: str) -> None:
        self.card = self
        self.subject = subject


@pytest.fixture
def manifest() -> Manifest:
    lines = [(f"q/{k}.png", k, 0, "query", 2) for k in range(4)]
    lines += [(f"g/{k}.png", k, 1, "gallery", 1) for k in range(8)]
    table = pd.DataFrame(lines, columns=["path", "pid", "camid", "split", "rate"])
    return Manifest("mlr-viper", "mlr-sing", 0, table)


def made(manifest: Manifest, store: Store, there: Any = (), subject: str = "person") -> Arrays:
    raw = cast("Any", Vehicles(subject))
    return thumbnails_of(raw, manifest, cast("Any", store), RANKED, there)


def pictures(arrays: Arrays) -> list[NDArray[np.uint8]]:
    ends = arrays["ends"].tolist()
    content = arrays["content"].tobytes()
    files = [content[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    return [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]


def test_the_images_that_rankings_name(manifest: Manifest) -> None:
    arrays = made(manifest, Store())
    assert arrays["numbers"].tolist() == [0, 2, 4, 7, 9, 10]
    assert arrays["names"].tolist() == [
        "q/0.png", "q/2.png", "g/0.png", "g/3.png", "g/5.png", "g/6.png"
    ]  # fmt: skip
    for number, picture in zip(arrays["numbers"], pictures(arrays), strict=True):
        assert picture.shape == (32, 16, 3)
        assert np.abs(picture.astype(int) - COLOURS[number]).max() <= 12  # WebP is lossy


def test_what_is_there_is_left_out(manifest: Manifest) -> None:
    assert made(manifest, Store(), [0, 4, 9, 100])["numbers"].tolist() == [2, 7, 10]
    nothing = made(manifest, Store(), range(20))
    assert {name: len(array) for name, array in nothing.items()} == dict.fromkeys(nothing, 0)


def test_large_images_are_made_smaller(manifest: Manifest) -> None:
    assert {p.shape for p in pictures(made(manifest, Store(256)))} == {(64, 32, 3)}


def test_vehicles_stand_upright(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    left_half = np.zeros((4, 32, 16, 3), np.uint8)
    left_half[:, :, :8] = 255
    store._images["query"] = left_half
    asked: list[str] = []

    def natively_wide(_: object, names: list[str]) -> NDArray[np.bool_]:
        asked.extend(names)
        return np.array([name == "q/2.png" for name in names])

    monkeypatch.setattr(module, "natively_wide", natively_wide)
    tall, wide = pictures(made(manifest, store, subject="vehicle"))[:2]
    assert tall.shape == wide.shape == (32, 16, 3)
    assert tall[:, :6].mean() > 240 > 15 > tall[:, 10:].mean()
    assert wide[:14].mean() > 240 > 15 > wide[18:].mean()  # its left comes to the top
    assert asked == made(manifest, store)["names"].tolist()
