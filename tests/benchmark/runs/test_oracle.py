"""The oracle of a table: planned where it can be, a network of a row tested on HR queries."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import RunRequest, load_table, plan_table, read_records
from crossres.cli import run

TABLE = load_table("table2")
HR = "fixed-r[rate=1]"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def planned(cache: Path, datasets: list[str], **changes: Any) -> list[tuple[str, str, str]]:
    """The (labels, data set, protocol) of each cell of a plan on tiny twins."""
    arguments = {"profile": "smoke", "seeds": [0], "jobs": 1, "cache": cache} | changes
    request = RunRequest(TABLE, cache / "out", datasets=datasets, **arguments)
    cells = [cell.job for cell in plan_table(request, stream=io.StringIO()).cells]
    return [(" = ".join(job.labels), job.cell.dataset, job.cell.protocol) for job in cells]


def test_natively_lr_sets_have_no_oracle(cache: Path) -> None:
    assert TABLE.oracle is not None
    cells = planned(cache, ["caviar", "mlr-viper", "vric", "mlr-vru"])
    rows = [row.label for row in TABLE.rows]
    assert sorted(label for label, *_ in cells if label in rows) == sorted(rows * 4)
    oracles = [cell for cell in cells if cell[0] not in rows]
    assert oracles == [(TABLE.oracle.label, "mlr-viper", HR)]


def test_the_cameras_of_each_identity_are_those_of_the_default_protocol(cache: Path) -> None:
    assert planned(cache, ["mlr-market"], rows=["oracle"]) == [
        ("Oracle: Plain on HR queries", "mlr-market", HR)
    ]


@pytest.mark.parametrize(
    ("changes", "rows", "oracles"),
    [
        ({"rows": ["1"]}, 1, 0),
        ({"rows": ["oracle"]}, 0, 1),
        ({"rows": ["Oracle: Plain on HR queries", "1"]}, 1, 1),
        ({"protocol": "mlr-perid"}, 3, 0),
        ({"protocol": HR}, 3, 0),
        ({"seeds": [0, 1]}, 6, 2),
        ({"seeds": [0, 1], "data_seed": 3}, 6, 2),
    ],
)
def test_rows_and_protocols_that_are_asked_for(
    cache: Path, changes: dict[str, Any], rows: int, oracles: int
) -> None:
    labels = [label for label, *_ in planned(cache, ["mlr-viper"], **changes)]
    of_oracle = labels.count("Oracle: Plain on HR queries")
    assert (len(labels) - of_oracle, of_oracle) == (rows, oracles)


def test_the_network_of_a_row_is_tested_on_its_queries_in_hr(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--jobs", "1", "--cache", str(cache), "--out", str(tmp_path), "--json"]
    chosen = ["--datasets", "caviar,mlr-viper", "--rows", "Plain,oracle", "--seeds", "0"]
    assert run(["run", "controls", "--profile", "smoke", *chosen, *where]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (len(summary["cells"]), summary["complete"]) == (3, True)
    on_viper = [r for r in read_records(tmp_path) if r.cell.dataset == "mlr-viper"]
    plain, oracle = sorted(on_viper, key=lambda record: record.cell.protocol == HR)
    assert (plain.cell.protocol, oracle.cell.protocol) == ("mlr-sing", HR)
    assert plain.digests["weights"] == oracle.digests["weights"]
    assert plain.digests["embeddings"] != oracle.digests["embeddings"]
    assert plain.counts == oracle.counts
    text = (tmp_path / "report" / "controls.md").read_text(encoding="utf-8")
    assert "| MLR-VIPeR | *Oracle: Plain on HR queries* |" in text
    assert HR not in text  # no column of its own
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "outside the tables" not in page


@pytest.mark.slow
def test_a_table_runs_with_its_oracle(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--jobs", "1", "--cache", str(cache), "--out", str(tmp_path)]
    chosen = ["--datasets", "caviar,mlr-viper", "--seeds", "0"]
    assert run(["run", "table2", "--profile", "smoke", *chosen, *where]) == 0
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines() if line.startswith("Oracle: Plain")]
    assert [line[5:] == ["–"] * 4 for line in lines] == [True, False]
    assert "failed" not in printed
    assert len(read_records(tmp_path)) == 7
