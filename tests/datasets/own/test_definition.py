"""Definitions of users' own sets: what they say, and each mistake in one line with its remedy."""

import pickle
from pathlib import Path

import pytest

from crossres.datasets import CARDS, InputError, Source, open_raw, own_set
from crossres.datasets.own.definition import card_from, definition_toml, entries_of
from tests.datasets.own_crops import PATTERN, definition, station


def test_a_definition_is_a_card_that_needs_no_file(tmp_path):
    station(tmp_path / "crops")
    file = definition(tmp_path / "station.toml", lr_cameras=["north-gate"])
    card = own_set(file)
    assert (card.id, card.title, card.protocol) == ("station", "station", "mlr-sing")
    assert card.folder == str(tmp_path / "crops")
    file.unlink()
    raw = open_raw(pickle.loads(pickle.dumps(card)), Source(), tmp_path)
    assert raw.source == "custom"
    assert (raw.card.images, raw.card.identities, raw.card.cameras) == (32, 8, 2)
    assert raw.card.lr_cameras == (2,)


def test_entries_and_toml_give_the_same_card_again(tmp_path):
    files = [
        definition(tmp_path / "a.toml", ignore=r"x/'\d.*", subject="vehicle"),
        definition(tmp_path / "b.toml", pattern=None, folders=["", "pid"], natively_lr="by-size"),
        definition(tmp_path / "c.toml", pattern=None, csv="list.csv", natively_lr=["far", 3]),
    ]
    for file in files:
        card = own_set(file)
        assert card_from("elsewhere", entries_of(card), Path("/")) == card
        copy = tmp_path / "deep" / "copy.toml"
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(definition_toml(entries_of(card)))
        assert own_set(copy) == card


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "unknown entry 'colour'"),
        ({"root": None}, "root is missing; add root"),
        ({"root": ""}, "root must be a path"),
        ({"id": 3}, "id must be text, not 3"),
        ({"id": "my set"}, "must be letters, digits"),
        ({"id": "caviar"}, "id 'caviar' is a data set of crossres; give yours another"),
        ({"id": "MLR-VIPeR"}, "is a data set of crossres"),
        ({"pattern": None}, "needs one of pattern, folders, csv, manifest.* none of them"),
        ({"csv": "list.csv"}, "it has pattern and csv"),
        ({"pattern": r"(?P<pid>\d+"}, "no regular expression: missing \\)"),
        ({"pattern": r"(?<pid>\d+)"}, r"groups are written \(\?P<pid>...\)"),
        ({"pattern": r"(?P<camid>\d+)"}, r"has no group pid.*put \(\?P<pid>...\)"),
        ({"pattern": r"(?P<person>\d+)"}, "unknown group 'person'"),
        ({"ignore": "("}, "ignore is no regular expression"),
        ({"pattern": None, "folders": ["person"]}, "unknown level 'person'"),
        ({"pattern": None, "folders": ["camid"]}, 'folders must name "pid"'),
        ({"pattern": None, "folders": ["pid", "pid"]}, 'folders must name "pid"'),
        ({"protocol": None}, 'lacks the entry protocol; add, say, protocol = "mlr-perid"'),
        ({"protocol": "mlr-sng"}, "did you mean 'mlr-sing'"),
        ({"protocol": "mlr-sing[kernel=bix]"}, "kernel is box, bilinear"),
        ({"natively_lr": "small"}, 'must be "by-size" or a list of cameras'),
        ({"natively_lr": "by-size", "lr_cameras": ["hall"]}, "leave one out"),
        ({"lr_cameras": [1.5]}, "lr_cameras is a list of cameras, not of 1.5"),
        ({"subject": "horse"}, "subject must be one of 'person', 'vehicle'"),
        ({"pattern": None, "manifest": "m.csv"}, "a manifest has a protocol"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(changes, message, tmp_path):
    file = definition(tmp_path / "station.toml", **changes)
    with pytest.raises(InputError, match=message) as refused:
        own_set(file)
    assert str(refused.value).startswith(str(file))
    assert "\n" not in str(refused.value)


def test_a_default_in_the_protocol_is_left_out(tmp_path):
    file = definition(tmp_path / "s.toml", protocol="mlr-perid[kernel=bicubic]")
    assert own_set(file).protocol == "mlr-perid"
    file = definition(tmp_path / "s.toml", protocol="fixed-r[base=mlr-sing,rate=2]")
    assert own_set(file).protocol == "fixed-r[rate=2]"


def test_a_missing_root_is_named_with_the_definition(tmp_path):
    card = own_set(definition(tmp_path / "station.toml"))
    with pytest.raises(InputError, match=r"crops: there is no such folder; .*station\.toml names"):
        open_raw(card, Source(), tmp_path)
    (tmp_path / "crops").write_text("")
    with pytest.raises(InputError, match="is no folder"):
        open_raw(card, Source(), tmp_path)


def test_no_data_set_of_crossres_is_a_users_own():
    assert all(card.own is None for card in CARDS.values())
    assert "own" not in CARDS["caviar"].as_json()


def test_a_pattern_is_written_as_people_write_it(tmp_path):
    card = own_set(definition(tmp_path / "station.toml"))
    assert f"pattern = '{PATTERN}'" in definition_toml(entries_of(card))
