"""Transfers in table files: how they are written, named, and refused."""

from pathlib import Path

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.config.cell_sets import CellSets, cell_sets, split_name
from crossres.benchmark.config.transfers import is_transfer, set_ids, transfer_id
from crossres.benchmark.records.kept import keep_table
from crossres.datasets.base.errors import InputError
from crossres.datasets.cards import CARDS
from tests.datasets.own_crops import definition

TABLE = """
id = "mine"
datasets = [{ train = "mlr-market", test = "mlr-cuhk03" }, "mlr-pku"]
metrics = ["rank1"]
seeds = [0]

[[rows]]
label = "A"
method = "plain"
"""
ENTRY = '{ train = "mlr-market", test = "mlr-cuhk03" }'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(TABLE)
    return tmp_path / "mine.toml"


def datasets(path: Path, entry: str) -> tuple[str, ...]:
    path.write_text(TABLE.replace(ENTRY, entry))
    return load_table(path).datasets


def test_a_transfer_is_a_table_or_a_name(path: Path) -> None:
    expected = ("mlr-market:mlr-cuhk03", "mlr-pku")
    assert datasets(path, ENTRY) == expected
    assert datasets(path, '"mlr-market:mlr-cuhk03"') == expected


def test_of_lists_each_set_is_trained_on_for_each_test(path: Path) -> None:
    assert datasets(
        path, '{ train = ["caviar", "mlr-viper"], test = ["mlr-viper", "caviar"] }'
    ) == (
        "mlr-viper".join(("caviar:", "")),
        "mlr-viper",  # itself: as without an entry train
        "caviar",
        "mlr-viper:caviar",
        "mlr-pku",
    )


def test_the_built_in_table_has_every_ordered_pair_and_each_set_itself() -> None:
    table = load_table("transfer")
    sets = ["caviar", "mlr-market", "mlr-cuhk03", "mlr-viper", "mlr-sysu"]
    assert [set_ids(name) for name in table.datasets] == [(a, b) for b in sets for a in sets]
    assert sum(map(is_transfer, table.datasets)) == 20
    assert table.known_card("caviar:mlr-market") == CARDS["mlr-market"]
    assert table.published == ()


def test_own_sets_on_either_side_are_kept_with_the_table(path: Path, tmp_path: Path) -> None:
    for name in ("left", "right"):
        definition(tmp_path / f"{name}.toml", id=name)
    entries = ["left.toml:mlr-pku", "mlr-pku:right.toml", "left.toml:right.toml"]
    named = datasets(path, ", ".join(f'"{entry}"' for entry in entries))
    assert named == ("left:mlr-pku", "mlr-pku:right", "left:right", "mlr-pku")
    table = load_table(path)
    assert table.sets("mlr-pku:right") == CellSets(table.own[1], CARDS["mlr-pku"])
    keep_table(tmp_path / "results", table)
    assert load_table(tmp_path / "results" / "tables" / "mine.toml").datasets == named


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("mlr-pku", ("mlr-pku", "mlr-pku")),
        ("mlr-pku:caviar", ("mlr-pku", "caviar")),
        ("mlr-pkuu:caviar", ("mlr-pkuu", "caviar")),  # to be refused as a set, not as a file
        ("mlr-pku:", ("mlr-pku", "")),
        ("my:crops.toml", ("my:crops.toml",) * 2),
        ("my.toml:crops.toml", ("my.toml", "crops.toml")),
    ],
)
def test_names_are_parted_where_a_set_ends(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts


def test_a_name_is_made_of_ids_and_gives_them_back() -> None:
    assert transfer_id("a", "b") == "a:b"
    assert set_ids("a:b") == ("a", "b")
    assert set_ids("a") == ("a", "a")
    assert cell_sets(CARDS["caviar"], CARDS["caviar"]) == CellSets(CARDS["caviar"])


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('{ train = "mlr-market" }', "datasets: test is missing; add test = ..."),
        ('{ test = "mlr-market" }', "datasets: train is missing; add train = ..."),
        ('{ train = "mlr-markt", test = "caviar" }', "'mlr-markt' (did you mean 'mlr-market'?)"),
        ('"mlr-market:caviarr"', "'caviarr' (did you mean 'caviar'?)"),
        ('{ train = 3, test = "caviar" }', "datasets: train must be text, not 3"),
        ('{ train = ["caviar", 3], test = "caviar" }', "datasets: train must be text, not ["),
        ('{ train = "a", test = "b", seed = 1 }', "unknown entry 'seed'; known are train, test"),
        ("3", "datasets: 3 must be a name, or a table such as { train ="),
        ('"mlr-vru:caviar"', "mlr-vru shows vehicles and caviar persons; train on a set"),
        ('{ train = "mlr-pku", test = "mlr-pku" }', "datasets 'mlr-pku' stands twice"),
        ('"mlr-pku:caviar", "mlr-pku:caviar"', "datasets 'mlr-pku:caviar' stands twice"),
        ('"gone.toml:caviar"', "gone.toml: not a readable data set file"),
        ("{ train = [], test = [] }", "train is empty"),
    ],
)
def test_each_mistake_gets_one_line(path: Path, entry: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        datasets(path, entry)
    assert words in str(caught.value)
    assert str(path.parent) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_with_protocols_of_their_own_have_no_other_training(path: Path) -> None:
    path.write_text(TABLE.replace('"plain"', '"plain"\nprotocol = "mlr-sing"'))
    with pytest.raises(InputError, match="take train out of datasets, or protocol out of the rows"):
        load_table(path)
