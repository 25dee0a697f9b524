"""docs/datasets.md says what the cards say."""

import re
from pathlib import Path

import pytest

from crossres.datasets import CARDS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
SECTIONS = {part.split("`")[0]: part for part in PAGE.split("\n### `")[1:]}


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.id)
def test_every_set_has_a_section_with_the_facts_of_its_card(card):
    section = SECTIONS[card.id]
    assert f"[`{card.id}`](#{card.id})" in PAGE
    digest = card.digest.partition(":")[2]
    assert digest[:12] in section
    numbers = {int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\d|\d", section)}
    for count in card.counts:
        if count.camid is None:
            assert {count.images, count.identities} - {None} <= numbers, count


@pytest.mark.parametrize("name", re.findall(r"\]\((\w+\.md)", PAGE))
def test_links_lead_somewhere(name):
    assert (Path(__file__).resolve().parents[2] / "docs" / name).is_file()
