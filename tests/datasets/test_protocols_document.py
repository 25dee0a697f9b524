"""docs/protocols.md says what the code does: its examples, cards, kernels and columns."""

import re
from pathlib import Path

import pytest

from crossres.datasets import CARDS, PROTOCOLS, draw
from crossres.datasets.resampling.integer import KERNEL_VERSIONS
from crossres.datasets.splits.manifest import _HEADER

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "protocols.md").read_text("utf-8")


def test_the_worked_draws_are_right():
    rows = re.findall(r"^\| (`mlr-[^|]*) \| (\d{10,}) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 3
    for names, value in rows:
        assert draw(*(name.strip(" `") for name in names.split(","))) == int(value)


def test_everything_that_has_a_name_is_described():
    for protocol in PROTOCOLS:
        assert f"## `{protocol}`" in TEXT
    for card in CARDS.values():
        assert f"\n| {card.title} |" in TEXT
    assert KERNEL_VERSIONS["bicubic"] in TEXT
    for kernel in KERNEL_VERSIONS:
        assert f"`{kernel}`" in TEXT
    assert f"`{','.join(_HEADER)}`" in TEXT


@pytest.mark.parametrize(
    "source", sorted((Path(__file__).resolve().parents[2] / "datasets").rglob("*.py"))
)
def test_every_purpose_of_a_draw_is_listed(source):
    for purpose in re.findall(r'\.names\("([^"]+)"\)', source.read_text("utf-8")):
        assert f"\n| `{purpose}` |" in TEXT
