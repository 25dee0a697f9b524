"""A results folder keeps its tables and claims: what goes in comes out, whole, one file each."""

import shutil
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark import Row, Table, load_table, table_names
from crossres.benchmark.config.claims import load_claims
from crossres.benchmark.config.tables import Published
from crossres.benchmark.records.kept import (
    claims_of,
    keep_claims,
    keep_table,
    kept_tables,
    naming_tables,
    table_toml,
)
from crossres.datasets.base.errors import InputError

ODD = "[12] \"q\" 'a' \\ λ € \\t % # = \u00a0 { } `| <b>"
MINE = Table(
    id="mine",
    title=ODD,
    caption=ODD,
    gallery="single-shot",
    metrics=("rank1", "mAP"),
    datasets=("mlr-viper",),
    seeds=(3, 1),
    rows=(
        Row(ODD, "plain", {"part_head": "bnneck"}, latex="$x_1$", published=ODD),
        Row(
            "B", "msifla", {"reid_lr": 1e-05, "cmsr": False, "hr": "identity"}, protocol="mlr-sing"
        ),
    ),
    published=(Published(ODD, "MLR-VIPeR", "rank1", 29.9, ODD),),
    reference="B",
    profile="smoke",
)


@pytest.mark.parametrize("name", table_names())
def test_built_in_tables_come_back_as_they_are(name: str, tmp_path: Path) -> None:
    keep_table(tmp_path, load_table(name))
    assert kept_tables(tmp_path) == [load_table(name)]


def test_any_text_comes_back_as_it_is(tmp_path: Path) -> None:
    keep_table(tmp_path, MINE)
    assert kept_tables(tmp_path) == [MINE]
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["mine.toml"]
    tomllib.loads((tmp_path / "tables" / "mine.toml").read_text(encoding="utf-8"))


def test_the_same_table_is_no_change_and_another_of_its_id_takes_its_place(tmp_path: Path) -> None:
    keep_table(tmp_path, MINE)
    file = tmp_path / "tables" / "mine.toml"
    before = file.stat()
    keep_table(tmp_path, replace(MINE))
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    changed = replace(MINE, rows=MINE.rows[1:], published=())
    keep_table(tmp_path, changed)
    keep_table(tmp_path, replace(MINE, id="another"))
    assert kept_tables(tmp_path) == [replace(MINE, id="another"), changed]
    assert naming_tables(tmp_path)[:2] == kept_tables(tmp_path)


def test_folders_are_merged_by_copying(tmp_path: Path) -> None:
    keep_table(tmp_path / "a", MINE)
    keep_table(tmp_path / "b", replace(MINE, id="another"))
    shutil.copytree(tmp_path / "b", tmp_path / "a", dirs_exist_ok=True)
    assert [table.id for table in kept_tables(tmp_path / "a")] == ["another", "mine"]


def test_runs_side_by_side_leave_one_whole_table(tmp_path: Path) -> None:
    tables = [replace(MINE, title=f"{number} " + "x" * 1900) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda table: keep_table(tmp_path, table), tables * 5))
    (loaded,) = kept_tables(tmp_path)
    assert loaded in tables
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["mine.toml"]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 65, "a\0b", "λ"])
def test_ids_that_name_no_file_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be letters, digits"):
        keep_table(tmp_path, replace(MINE, id=name))
    with pytest.raises(InputError, match="must be letters, digits"):
        keep_claims(tmp_path, name, load_claims())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["a\x1b[31m", "a\u2028b", "a\x7f", " ", "x" * 201])
def test_a_table_that_no_file_could_hold_is_not_kept(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 1: label"):
        keep_table(
            tmp_path, replace(MINE, rows=(Row(text, "plain"),), published=(), reference=None)
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [None, float("nan"), object()])
def test_what_is_no_toml_is_refused(value: object) -> None:
    with pytest.raises((InputError, ValueError)):
        table_toml(replace(MINE, rows=(Row("A", "plain", {"a": value}),)))


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    keep_table(tmp_path, MINE)
    file = tmp_path / "tables" / "mine.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("plain", "plane"), encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.toml.*'plane' \(did you mean 'plain'.*kept in a"):
        kept_tables(tmp_path)


def test_claims_come_back_about_the_tables_that_are_kept(tmp_path: Path) -> None:
    text = (
        '[[claims]]\nid = "one"\nsection = "ours"\ntext = "t"\ntable = "mine"\nmetric = "rank1"\n'
        'left = "B"\nright = "others"\ndirection = "higher"\n'
    )
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(InputError, match="unknown table 'mine'"):
        load_claims(tmp_path / "c.toml")
    claims = load_claims(tmp_path / "c.toml", [MINE])
    assert [(claim.table, claim.rights) for claim in claims] == [(MINE, (ODD,))]
    keep_table(tmp_path, MINE)
    keep_claims(tmp_path, "c", claims)
    keep_claims(tmp_path, "paper", load_claims())
    assert claims_of(tmp_path) == (*claims, *load_claims())  # of the paper's none is about "mine"
    keep_table(tmp_path, load_table("table2"))
    assert {claim.table.id for claim in claims_of(tmp_path)[: -1 - len(load_claims())]} == {
        "table2"
    }
    assert claims_of(tmp_path / "old") == load_claims()
