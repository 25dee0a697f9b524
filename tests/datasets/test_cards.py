"""Cards: what the sets show, and what must be said of one of them."""

import pytest

from crossres.datasets import CARDS, Source, build_manifest, draw_twin, open_raw
from crossres.datasets.readers import reader


def test_vehicles_are_told_from_persons():
    vehicles = {name for name, card in CARDS.items() if card.subject == "vehicle"}
    assert vehicles == {"mlr-veri", "mlr-vru", "vric"}
    assert {card.subject for card in CARDS.values()} == {"person", "vehicle"}


@pytest.mark.parametrize("dataset", CARDS)
def test_a_card_names_its_reader_and_its_folder(dataset):
    card = CARDS[dataset]
    assert card.folder == reader(card.reader).FOLDER
    assert card.folder in card.layout


def test_every_manifest_of_duke_says_that_it_was_withdrawn(tmp_path):
    draw_twin("mlr-duke", tmp_path, "tiny")
    notes = build_manifest(open_raw("mlr-duke", Source(tmp_path), tmp_path)).notes
    assert any("withdrawn by its authors in 2019 for privacy" in note for note in notes)
    assert "withdrawn" in CARDS["mlr-duke"].licence
