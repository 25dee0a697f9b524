"""Sources: the twin is drawn once and whole; the cache is where the user says."""

import json
import sys
import types

import pytest

from crossres.datasets import InputError, Source, default_cache, open_raw


@pytest.fixture
def twins(monkeypatch, make):
    """A stand-in for the drawing of twins that counts its calls; `fail` makes it break half-way."""
    fake = types.ModuleType("crossres.datasets.twins")
    fake.TWIN_VERSION, fake.calls, fake.fail = 7, [], False

    def draw_twin(dataset, folder, size="quick", seed=0):
        fake.calls.append((dataset, size, seed))
        raw, _ = make(dataset, folder)
        if fake.fail:
            raise InputError("broke half-way")
        marker = {"size": size, "version": 7} | ({"seed": seed} if seed else {})
        (raw / "crossres-twin.json").write_text(json.dumps(marker))

    fake.draw_twin = draw_twin
    monkeypatch.setitem(sys.modules, "crossres.datasets.twins", fake)
    return fake


def test_the_twin_is_drawn_once_and_read_like_real_data(dataset, twins, tmp_path):
    first = open_raw(dataset, Source(size="tiny"), tmp_path)
    reopened = open_raw(dataset, Source(size="tiny"), tmp_path)
    assert first == reopened
    assert first.source == "twin:tiny:7"
    assert first.folder.parent == tmp_path / "twins" / f"tiny-v7-{dataset}"
    assert twins.calls == [(dataset, "tiny", 0)]
    assert not any("are published" in note for note in first.notes)


def test_a_twin_given_as_data_is_still_a_twin(twins, tmp_path):
    drawn = open_raw("mlr-viper", Source(size="tiny"), tmp_path)
    opened = open_raw("mlr-viper", Source(root=drawn.folder), tmp_path)
    assert opened == drawn
    assert len(twins.calls) == 1


def test_each_seed_is_a_twin_of_its_own_which_is_named_where_it_is_given(twins, tmp_path):
    drawn = open_raw("mlr-viper", Source(size="tiny", seed=3), tmp_path)
    assert drawn.source == "twin:tiny:7"  # the seed is that of the source
    assert drawn.folder.parent == tmp_path / "twins" / "tiny-v7-mlr-viper-3"
    assert open_raw("mlr-viper", Source(root=drawn.folder), tmp_path).source == "twin:tiny:7:3"
    assert twins.calls == [("mlr-viper", "tiny", 3)]
    with pytest.raises(InputError, match="seed -1 must be an integer from 0"):
        Source(seed=-1)


def test_a_drawing_that_breaks_leaves_nothing(twins, tmp_path):
    twins.fail = True
    with pytest.raises(InputError, match="broke half-way"):
        open_raw("mlr-viper", Source(size="tiny"), tmp_path)
    assert list((tmp_path / "twins").iterdir()) == []
    twins.fail = False
    assert open_raw("mlr-viper", Source(size="tiny"), tmp_path).source == "twin:tiny:7"


@pytest.mark.usefixtures("twins")
def test_a_twin_that_lost_its_files_says_what_to_delete(tmp_path):
    (tmp_path / "twins" / "tiny-v7-mlr-viper").mkdir(parents=True)
    with pytest.raises(InputError, match=r"tiny-v7-mlr-viper: the twin .* delete this folder"):
        open_raw("mlr-viper", Source(size="tiny"), tmp_path)


def test_the_cache_is_the_users_choice_or_in_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("CROSSRES_CACHE", str(tmp_path / "mine"))
    assert default_cache() == tmp_path / "mine"
    monkeypatch.delenv("CROSSRES_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "crossres"
