"""Every row of the built-in tables runs on every set of Table 1, through the command line."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from crossres.benchmark import load_table, read_records
from crossres.cli import run


@pytest.mark.slow
@pytest.mark.parametrize("name", ["table1", "extended"])
def test_all_rows_run_on_all_sets(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    where = ["--seeds", "0", "--jobs", "1", "--out", str(out), "--cache", str(cache)]
    code = run(["run", name, "--profile", "smoke", *where, "--json"])
    summary = json.loads(capsys.readouterr().out)
    assert (code, summary["failures"]) == (0, [])
    table = load_table(name)
    cells = {(record.cell.method, record.cell.dataset) for record in read_records(out)}
    of_rows = {(row.method, dataset) for row in table.rows for dataset in table.datasets}
    assert cells == of_rows | {("plain", name) for name in table.datasets if name != "caviar"}
    text = (out / "report" / f"{name}.md").read_text(encoding="utf-8")
    assert all(row.label in text for row in table.lines)


@pytest.mark.slow
def test_protocols_of_one_training_test_one_and_the_same_network(tmp_path: Path) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    where = ["--seeds", "0", "--jobs", "1", "--out", str(out), "--cache", str(cache)]
    assert run(["run", "protocols", "--profile", "smoke", "--rows", "Plain", *where]) == 0
    trained: dict[str, set[str]] = defaultdict(set)
    for record in read_records(out):
        trained[record.digests["weights"]].add(record.cell.protocol)
    assert sorted(sorted(names) for names in trained.values()) == [
        ["fixed-r", "mlr-mixed", "mlr-official", "mlr-perid"],
        ["market-3561"],
        ["mlr-multi", "mlr-sing"],
    ]


@pytest.mark.slow
def test_rows_with_protocols_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    twin = tmp_path / "VRU"
    assert run(["datasets", "twin", "mlr-vru", "--size", "tiny", "--out", str(twin)]) == 0
    where = ["--seeds", "0", "--jobs", "1", "--out", str(out), "--cache", str(cache)]
    once = ["run", "table4", "--profile", "smoke", "--rows", "1,5", *where]
    assert run(once) == 0
    protocols = {record.cell.protocol for record in read_records(out)}
    assert protocols == {"vru-uniform4[train_ids=12]", "vru-uniform4"}
    capsys.readouterr()
    assert run([*once, "--data", str(twin), "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert {cell["state"] for cell in planned["cells"]} == {"done"}  # a twin is one by its marker
    assert run([*once, "--protocol", "vru-half"]) == 2
    assert "have protocols of their own; leave --protocol out" in capsys.readouterr().err
