"""Every row of the built-in tables runs on every set of Table 1, through the command line."""

import json
from pathlib import Path

import pytest

from benchmark import load_table, read_records
from crossres.command_line import run


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
    found = {(record.cell.method, record.cell.dataset) for record in read_records(out)}
    assert found == {(row.method, dataset) for row in table.rows for dataset in table.datasets}
    text = (out / "report" / f"{name}.md").read_text(encoding="utf-8")
    assert all(row.label in text for row in table.rows)
