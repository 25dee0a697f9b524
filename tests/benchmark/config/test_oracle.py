"""The oracle of a table: in its file, among what is selected, and kept with results."""

from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark import Row, RunRequest, Table, built_in_tables, load_table
from crossres.benchmark.config.tables import select_rows
from crossres.benchmark.records.kept import keep_table, kept_tables
from crossres.datasets.base.errors import InputError

TABLE = """
id = "mine"
datasets = ["mlr-viper"]
metrics = ["rank1"]
seeds = [0]
[[rows]]
label = "A"
method = "plain"
[oracle]
label = "On HR, they say"
latex = "On \\\\textsc{hr}"
method = "plain"
options = { networks = 3 }
protocol = "fixed-r[rate=1]"
"""
ORACLE = Row(
    "On HR, they say", "plain", {"networks": 3}, "On \\textsc{hr}", protocol="fixed-r[rate=1]"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(TABLE)
    return tmp_path / "mine.toml"


@pytest.fixture
def table(path: Path) -> Table:
    return load_table(path)


def test_the_oracle_is_no_row(table: Table) -> None:
    assert table.oracle == ORACLE
    assert table.rows == (Row("A", "plain"),)
    assert table.lines == (*table.rows, ORACLE)
    assert replace(table, oracle=None).lines == table.rows
    assert not table.is_by_row


def test_tables_of_default_protocols_have_the_same_oracle() -> None:
    oracles = {table.id: table.oracle for table in built_in_tables() if table.oracle}
    frozen = oracles.pop("frozen")
    assert sorted(oracles) == [
        "ablations", "ambiguities", "controls", "extended", "table1", "table2", "table3",
        "test-time", "transfer",
    ]  # fmt: skip
    assert (frozen.method, frozen.protocol) == ("frozen", "fixed-r[rate=1]")
    expected = Row("Oracle: Plain on HR queries", "plain", protocol="fixed-r[rate=1]")
    assert list(oracles.values()) == [expected] * 9


def test_it_is_one_of_all_and_has_two_names(table: Table) -> None:
    assert select_rows(table, None) == table.lines
    assert select_rows(table, ["1"]) == table.rows
    for name in ("oracle", "On HR, they say"):
        assert select_rows(table, [name]) == (ORACLE,)
        assert select_rows(table, [name, "A"]) == table.lines
    with pytest.raises(InputError, match="rows are 1 = A, oracle = On HR, they say"):
        select_rows(table, ["2"])
    named = replace(table, rows=(Row("oracle", "pcb"),))
    assert select_rows(named, ["oracle"]) == named.rows


def test_no_protocol_but_its_own_is_run(table: Table) -> None:
    request = RunRequest(table, "out", protocol="mlr-perid")
    assert request.chosen_rows() == table.rows
    assert RunRequest(table, "out", protocol="mlr-perid", rows="A").chosen_rows() == table.rows
    with pytest.raises(InputError, match="oracle of mine has a protocol of its own; leave --pro"):
        RunRequest(table, "out", protocol="mlr-perid", rows="oracle").chosen_rows()


def test_it_is_kept_with_results(table: Table, tmp_path: Path) -> None:
    keep_table(tmp_path, table)
    assert kept_tables(tmp_path) == [table]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('protocol = "fixed-r[rate=1]"', "", "oracle: protocol is missing"),
        ("fixed-r[rate=1]", "fixed-r[rate=5]", "protocol fixed-r: rate is"),
        ('label = "On HR, they say"', 'label = "A"', "label 'A' stands twice"),
        ("[oracle]", '[oracle]\npublished = "x"', "oracle: unknown entry 'published'"),
        ("[oracle]", '[oracle]\ntwin_protocol = "x"', "oracle: unknown entry 'twin_protocol'"),
        ("[oracle]", '[oracle]\nmethod = "plane"', "oracle: unknown method 'plane'"),
        ("[oracle]", "[[oracle]]", "oracle must be a table"),
        ("seeds", 'protocols = ["mlr-sing"]\nseeds', "an oracle stands beside the default"),
        ('label = "A"', 'label = "A"\nprotocol = "mlr-sing"', "an oracle stands beside"),
    ],
)
def test_each_mistake_gets_one_line(path: Path, before: str, after: str, words: str) -> None:
    text = TABLE.replace('method = "plain"\noptions', "options") if "plane" in after else TABLE
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(InputError) as caught:
        load_table(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
