"""`run --json` and `report --json` carry the numbers; `run --dry-run` knows what failed before."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import read_records
from tests.command_line import Answered
from tests.crossres.commands.conftest import FAILING, TABLE

Command = Callable[..., Answered]


def content_of(answered: Answered) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answered.stdout)
    return content


def test_metrics_by_row_column_and_seed(
    command: Command, folder_run: Command, tmp_path: Path
) -> None:
    ran = content_of(folder_run("out", "--json"))
    records = {record.key: record for record in read_records(tmp_path / "out")}
    (grid,) = ran["grids"]
    assert grid["table"] == "mine"
    assert grid["source"].startswith("twin:tiny:")
    assert any("TWIN DATA" in caution for caution in grid["cautions"])
    assert grid["missing"] == 0
    scores = {(s["row"], s["dataset"], s["metric"]): s for s in grid["scores"]}
    assert set(scores) == {
        (row, "mlr-viper", metric)
        for row in ("Two, stripes", "Three stripes")
        for metric in ("rank1", "mAP")
    }
    used = set()
    for (row, _, metric), score in scores.items():
        assert set(score["values"]) == set(score["keys"]) == {"0", "1"}
        for seed, key in score["keys"].items():
            record = records[key]
            assert record.metrics[score["gallery"]][metric] == score["values"][seed]
            assert record.cell.seed == int(seed)
            assert record.cell.options["bins"] == (3 if row == "Three stripes" else 2)
            used.add(key)
        assert score["mean"] == pytest.approx(sum(score["values"].values()) / 2)
        low, high = score["interval"]
        assert 0 <= low <= score["mean"] <= high
        assert score["n"] == 2
        assert score["published"] is None
    assert used == set(records) == set(ran["cells"])
    assert content_of(command("report", "out", "--json"))["grids"] == ran["grids"]


def test_a_cell_that_failed_is_failed_before(folder_run: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TABLE + FAILING.replace("MOOD", "raises"))
    ran = folder_run("out", "--seeds", 0, "--rows", "1,3", "--json")
    assert ran.returncode == 1
    content = content_of(ran)
    (failure,) = content["failures"]
    assert [s["row"] for s in content["grids"][0]["scores"]] == ["Two, stripes"] * 2

    planned = folder_run("out", "--seeds", 0, "--dry-run")
    states = [line[:15].strip() for line in planned.stdout.splitlines()[:-1]]
    assert sorted(filter(None, states)) == ["done", "failed before", "new"]
    (line,) = [line for line in planned.stdout.splitlines() if failure["reason"] in line]
    assert f"(see {Path('out/failures') / failure['key']}.log)" in line
    cells = content_of(folder_run("out", "--seeds", 0, "--dry-run", "--json"))["cells"]
    (failed,) = [cell for cell in cells if cell["state"] == "failed before"]
    assert failed["key"] == failure["key"]
    assert failed["reason"] == failure["reason"]
    assert Path(tmp_path, failed["log"]).is_file()
    assert all("reason" not in cell for cell in cells if cell is not failed)
    again = folder_run("out", "--seeds", 0, "--rows", "3")
    assert "1 cell to run again: failed before" in again.stderr


def test_with_no_record_there_are_no_numbers(folder_run: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TABLE + FAILING.replace("MOOD", "raises"))
    content = content_of(folder_run("out", "--seeds", 0, "--rows", 3, "--json"))
    assert content["grids"] == []
    assert content["complete"] is False
