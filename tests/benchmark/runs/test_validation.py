"""`crossres run --validation`: every cell under its protocol's validation, in the plan and run."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import RunRequest, load_table, plan_table, read_records
from crossres.benchmark.config.tables import Table
from crossres.cli import run
from crossres.datasets import Source, build_manifest, open_raw


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def protocols(cache: Path, table: Table, **changes: Any) -> dict[str, set[str]]:
    """Data set -> the protocols of the planned cells, on tiny twins."""
    arguments = {"profile": "smoke", "seeds": [0], "jobs": 1, "cache": cache} | changes
    request = RunRequest(table, cache / "out", validation=True, **arguments)
    planned: dict[str, set[str]] = {}
    for cell in plan_table(request, stream=io.StringIO()).cells:
        planned.setdefault(cell.job.cell.dataset, set()).add(cell.job.cell.protocol)
    return planned


def test_each_cell_has_the_validation_of_its_own_protocol(cache: Path) -> None:
    table = load_table("table2")
    assert protocols(cache, table, datasets=["mlr-viper", "mlr-market"]) == {
        "mlr-viper": {"mlr-sing[validation=true]", "fixed-r[rate=1,validation=true]"},
        "mlr-market": {"mlr-perid[validation=true]", "fixed-r[rate=1,validation=true]"},
    }
    named = replace(table, oracle=None, protocols=("fixed-r[rate=2]", "mlr-perid"))
    assert protocols(cache, named, datasets=["mlr-viper"]) == {
        "mlr-viper": {"fixed-r[rate=2,validation=true]", "mlr-perid[validation=true]"}
    }
    by_row = replace(load_table("table4"), rows=load_table("table4").rows[:2])
    assert protocols(cache, by_row) == {
        "mlr-vru": {f"vru-uniform4[train_ids={n},validation=true]" for n in (12, 24)}
    }


@pytest.mark.parametrize("protocol", ["mlr-perid", "mlr-perid[validation=true]"])
def test_a_protocol_that_is_asked_for_has_it_once(cache: Path, protocol: str) -> None:
    planned = protocols(cache, load_table("table2"), datasets=["mlr-viper"], protocol=protocol)
    assert planned == {"mlr-viper": {"mlr-perid[validation=true]"}}


def test_a_run_is_tested_on_training_identities_alone(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["--datasets", "mlr-viper", "--rows", "Plain", "--seeds", "0", "--validation"]
    where = ["--profile", "smoke", "--jobs", "1", "--cache", str(cache), "--out", str(tmp_path)]
    assert run(["run", "controls", *chosen, *where, "--dry-run"]) == 0
    title = "Plain · mlr-viper · mlr-sing[validation=true] · seed 0"
    assert title in capsys.readouterr().out
    assert run(["run", "controls", *chosen, *where]) == 0
    (record,) = read_records(tmp_path)
    raw = open_raw("mlr-viper", Source(size="tiny"), cache)
    manifest = build_manifest(raw, "mlr-sing[validation=true]", 0)
    assert record.digests["manifest"] == manifest.digest
    assert (record.counts["train_pids"], record.counts["query_pids"]) == (8, 4)
    assert "validation: 4 of 12 training identities are tested" in record.notes
    capsys.readouterr()
    assert run(["claims", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"] == []
    assert run(["claims", str(tmp_path)]) == 0
    why = "claims are about test identities, not those of validation"
    assert why in capsys.readouterr().out


def test_what_cannot_be_divided_is_one_line(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["--datasets", "mlr-duke", "--protocol", "mlr-sing", "--seeds", "0", "--validation"]
    where = ["--profile", "smoke", "--cache", str(cache), "--out", str(tmp_path / "out")]
    assert run(["run", "table2", *chosen, *where, "--dry-run"]) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.endswith("no image is left for query; leave validation=true out")
