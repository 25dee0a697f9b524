"""Which row of which table a record belongs to, and why one belongs to none."""

import re
from dataclasses import replace

import pytest

from crossres.benchmark import Record, Row, load_table
from crossres.benchmark.compare.comparison import compare
from crossres.benchmark.compare.rows import Rows, belonging, covered
from tests.benchmark.compare import cases
from tests.benchmark.compare.cases import Make

TABLE = replace(
    cases.TABLE,
    rows=(cases.TABLE.rows[0], cases.TABLE.rows[2]),
    protocols=("mlr-sing", "mlr-sing[kernel=box]"),
)


def on(record: Record, dataset: str, protocol: str) -> Record:
    """The record as one of another data set and protocol."""
    return replace(record, cell=replace(record.cell, dataset=dataset, protocol=protocol))


def test_protocols_are_compared_as_records_of_a_set_name_them(make: Make) -> None:
    rows = Rows([replace(TABLE, protocols=("mlr-sing[kernel=bicubic]",))])
    assert rows.indices(make()) == (0,)
    assert rows.indices(on(make(), "mlr-viper", "mlr-sing[kernel=box]")) == ()


def test_of_a_set_without_a_card_protocols_are_compared_as_they_stand(make: Make) -> None:
    record = on(make(), "lost-set", "mlr-sing")
    assert Rows([TABLE]).indices(record) == (0,)
    [pair] = compare([record], [record], [TABLE]).pairs
    assert pair.row == "Plain"
    assert Rows([replace(TABLE, protocols=("mlr-sing[kernel=bicubic]",))]).indices(record) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"method": "bot"}, "no row has the method bot"),
        ({"options": {"parts": 6}}, "no row of pcb has these options"),
        (
            {"protocol": "market"},
            "no row of pcb with these options is run under market on mlr-viper",
        ),
        (
            {"method": "plain", "profile": {"glow": 1}},
            "profile smoke of the records: unknown entry 'glow'",
        ),
        ({"profile": {"methods": {"pcb": {"glow": 1}}}}, "method pcb has no option 'glow'"),
    ],
)
def test_of_a_record_without_a_row_the_nearest_row_says_why(
    make: Make, change: dict, reason: str
) -> None:
    record = make(method="pcb", parts=4)
    rows = Rows([TABLE])
    assert (rows.indices(record), rows.reason(record)) == ((1,), "")
    profile = record.profile | change.pop("profile", {})
    changed = replace(record, cell=replace(record.cell, **change), profile=profile)
    assert rows.indices(changed) == ()
    assert re.search(reason, rows.reason(changed))


def test_tables_are_sorted_by_how_full_they_are(make: Make) -> None:
    records = [make(method="msifla", **row.options) for row in load_table("table2").rows]
    tables = [load_table(name) for name in ("controls", "table1", "table2")]
    assert [table.id for table in covered(tables, records)] == ["table2", "controls", "table1"]
    assert belonging(records, [tables[1]]) == [records[2]]


ORACLE = Row("On HR queries", "plain", protocol="fixed-r[rate=1]")


def test_what_is_of_the_oracle_is_of_no_row_of_its_table(make: Make) -> None:
    table = replace(TABLE, protocols=(), oracle=ORACLE)
    plain, hr = make(), on(make(), "mlr-viper", "fixed-r[rate=1]")
    rows = Rows([table, replace(table, id="next", oracle=None)])
    assert (rows.indices(plain), rows.is_of_oracle(plain)) == ((0, 3), False)
    assert (rows.indices(hr), rows.is_of_oracle(hr)) == ((2, 3), True)
    assert belonging([plain, hr], [table]) == [plain, hr]
    parts = on(make(method="pcb", parts=4), "mlr-viper", "fixed-r[rate=1]")
    assert rows.indices(parts) == (1, 4)


def test_the_oracle_fills_no_table_and_pairs_up_like_a_row(make: Make) -> None:
    table = replace(TABLE, protocols=(), oracle=ORACLE)
    gate = replace(TABLE, id="gate", protocols=(), metrics=("mAP",), rows=TABLE.rows[:1])
    hr = replace(on(make(), "mlr-viper", "fixed-r[rate=1]"), key="0" * 20)
    records = [make(method="pcb", parts=4), hr]
    assert [table.id for table in covered([table, gate], records)] == ["mine"]
    comparison = compare(records, records, [table, gate])
    assert comparison.rows == ("Four parts", "On HR queries")
    assert comparison.measures == (("single-shot", "rank1"),)
    assert covered([table], [hr]) == []
