"""Commands whose statements need artifacts say which of these are damaged."""

from pathlib import Path

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.artifacts import artifact_path
from crossres.benchmark.records.record import write_record
from crossres.cli import run
from tests.reports.conftest import make_record

TABLE = load_table("table2")


def results_in(folder: Path) -> Path:
    """Write the cells of two rows on one set; the artifact of the first is damaged."""
    records = [make_record(TABLE, row, "caviar", seed) for row in (0, 1) for seed in (0, 1)]
    for record in records:
        write_record(folder, record)
    damaged = artifact_path(folder, records[0].key)
    damaged.parent.mkdir()
    damaged.write_bytes(b"not an archive")
    return damaged


@pytest.mark.parametrize("command", ["claims", "report"])
def test_a_damaged_artifact_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, command: str
) -> None:
    damaged = results_in(tmp_path / "a")
    arguments = [command, str(tmp_path / "a")]
    if command == "report":
        results_in(tmp_path / "b")
        arguments += ["--against", str(tmp_path / "b")]
    assert run(arguments) == 0
    errors = caplog.text
    assert errors.count(f"{damaged}: not a readable artifact") == 1
    assert "delete it and its record, then run again" in errors
