"""Comparing manifests."""

import pandas as pd

from crossres.datasets import Manifest
from crossres.datasets.splits.diff import ImageChange, compare

ROWS = [
    ("a.jpg", 1, 1, "train", 1),
    ("b.jpg", 2, 1, "query", 2),
    ("c.jpg", 2, 2, "gallery", 1),
    ("d.jpg", 3, 2, "gallery", 1),
]


def manifest(rows: list[tuple[str, int, int, str, int]] = ROWS, seed: int = 0) -> Manifest:
    table = pd.DataFrame(rows, columns=["path", "pid", "camid", "split", "rate"])
    return Manifest("mlr-pku", "mlr-sing", seed, table)


def test_equal_manifests_are_equal() -> None:
    difference = compare(manifest(), manifest(ROWS[::-1]))
    assert difference.equal
    assert manifest().digest == manifest(ROWS[::-1]).digest


def test_other_heads_are_told() -> None:
    difference = compare(manifest(), manifest(seed=4))
    assert not difference.equal
    assert difference.heads == {"seed": (0, 4)}
    assert not difference.only_a
    assert not any(difference.changes.values())


def test_every_kind_of_change_is_told() -> None:
    changed = [
        ("b.jpg", 2, 1, "query", 3),
        ("c.jpg", 2, 5, "gallery", 1),
        ("d.jpg", 4, 2, "query", 2),
        ("e.jpg", 2, 2, "gallery", 1),
    ]
    difference = compare(manifest(), manifest(changed))
    assert not difference.equal
    assert difference.heads == {}
    assert difference.only_a == ("a.jpg",)
    assert difference.only_b == ("e.jpg",)
    assert difference.changes == {
        "pid": (ImageChange("d.jpg", 3, 4),),
        "camid": (ImageChange("c.jpg", 2, 5),),
        "split": (ImageChange("d.jpg", "gallery", "query"),),
        "rate": (ImageChange("b.jpg", 2, 3), ImageChange("d.jpg", 1, 2)),
    }
