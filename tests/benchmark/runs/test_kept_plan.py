"""A run that is kept gives its request back: the same cells, from another folder and later."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import RunRequest, load_profile, plan_table
from crossres.benchmark.records.cell import Cell
from crossres.benchmark.records.commit import Commit
from crossres.benchmark.records.kept import keep_table
from crossres.benchmark.records.planned import KeptRuns, read_runs
from crossres.benchmark.runs.kept_plan import keep_plan, request_of
from crossres.benchmark.runs.plan import Plan
from crossres.datasets.base.errors import InputError
from crossres.datasets.raw.source import Source
from tests.benchmark.runs.bench import Bench

COMMIT = Commit("0123456789abcdef0123456789abcdef01234567", changed=True)


def keep(bench: Bench, **changes: Any) -> tuple[RunRequest, Plan]:
    request = RunRequest(bench.table, bench.out, **(bench.arguments | changes))
    plan = plan_table(request)
    assert keep_plan(bench.out, request, plan, COMMIT) is not None
    keep_table(bench.out, plan.table)
    return request, plan


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rows": ["Three stripes"], "seeds": [3, 1], "kernels": "native", "save_weights": True},
        {"data_seed": 4, "protocol": "mlr-sing[kernel=box]", "validation": True, "jobs": 1},
        {"source": Source(size="tiny"), "datasets": ["mlr-viper"]},
        {"profile": "smoke", "weights_dir": "weights"},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_a_request_comes_back(
    bench: Bench, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    request, plan = keep(bench, **changes)
    (run,) = read_runs(bench.out).runs
    assert run.path.name.startswith("mine-")
    json.loads(run.path.read_text())
    elsewhere = tmp_path / "elsewhere"
    bench.out.rename(elsewhere)
    bench.table.unlink()
    again = request_of(elsewhere, run)
    assert plan_table(again).cells == plan.cells
    same = ("rows", "seeds", "jobs", "protocol", "data_seed", "validation", "kernels", "cache")
    assert all(getattr(again, name) == getattr(request, name) for name in same)
    assert (again.out, again.save_weights) == (elsewhere, request.save_weights)
    assert [cell.key for cell in run.cells] == [cell.job.key for cell in plan.cells]
    assert [cell.cell for cell in run.cells] == [cell.job.cell for cell in plan.cells]
    assert [cell.manifest for cell in run.cells] == [c.job.manifest_digest for c in plan.cells]


def test_paths_are_whole_ones(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pku_root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    source = Source(os.path.relpath(pku_root), partial=True, other_sizes=True)
    keep(bench, source=source, profile="mini.toml")
    (run,) = read_runs(bench.out).runs
    assert run.request["source"]["root"] == str(Path(os.path.relpath(pku_root)).absolute())
    assert run.request["profile"]["path"] == str(tmp_path / "mini.toml")
    assert run.request["profile"]["name"] == "mini"


def test_the_profile_is_that_of_then(bench: Bench, profile_path: Path) -> None:
    _, plan = keep(bench)
    profile_path.write_text(profile_path.read_text().replace("height = 16", "height = 24"))
    (run,) = read_runs(bench.out).runs
    assert [c.job.key for c in plan_table(request_of(bench.out, run)).cells] == [
        cell.job.key for cell in plan.cells
    ]


def test_a_profile_of_python_is_kept_whole(bench: Bench, profile_path: Path) -> None:
    profile = replace(load_profile(profile_path), methods={"colour": {"bins": 4}})
    _, plan = keep(bench, profile=profile)
    (run,) = read_runs(bench.out).runs
    assert run.request["profile"]["path"] is None
    assert plan_table(request_of(bench.out, run)).cells == plan.cells


def test_the_same_command_keeps_one_run_and_what_it_asked_for_before_is_asked_no_more(
    bench: Bench, profile_path: Path
) -> None:
    _, before = keep(bench)
    keep(bench, seeds=[0])
    profile_path.write_text(profile_path.read_text().replace("height = 16", "height = 24"))
    _, after = keep(bench)
    kept = read_runs(bench.out)
    assert [run.commit for run in kept.runs] == [COMMIT] * 2
    assert len(kept.runs) == 2  # the file of the first is that of the last
    # That of seed 0 alone asked for cells of the profile as it was: they are of the last run, too.
    assert set(kept.asked.cells) == {cell.job.key for cell in after.cells}
    assert not {cell.job.key for cell in before.cells} & set(kept.asked.cells)


def test_runs_of_older_versions_have_no_commit_and_a_commit_that_is_none_is_refused(
    bench: Bench,
) -> None:
    keep(bench)
    (run,) = read_runs(bench.out).runs
    content = json.loads(run.path.read_text())
    assert content["commit"] == {"hash": COMMIT.hash, "changed": True}
    for commit in ({"hash": 3, "changed": True}, "0123", {"hash": "0123"}):
        run.path.write_text(json.dumps({**content, "commit": commit}))
        assert len(read_runs(bench.out).broken) == 1
    del content["commit"]
    run.path.write_text(json.dumps(content))
    (older,) = read_runs(bench.out).runs
    assert older == replace(run, commit=None)


def test_only_the_cells_of_some_keys_are_planned_and_nothing_is_kept_of_that(bench: Bench) -> None:
    _, plan = keep(bench)
    key = plan.cells[-1].job.key
    request = RunRequest(bench.table, bench.out, **bench.arguments, keys=[key])
    of_key = plan_table(request)
    assert [cell.job.key for cell in of_key.cells] == [key]
    assert keep_plan(bench.out, request, of_key, None) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("profile", "content"), {"name": "mini"}),
        (("profile",), None),
        (("source", "size"), 3),
        (("seeds",), [1, "x"]),
        (("rows",), {"a": 1}),
        (("kernels",), ["native"]),
    ],
)
def test_a_request_that_is_none_is_refused(
    bench: Bench, path: tuple[str, ...], value: object
) -> None:
    keep(bench)
    (run,) = read_runs(bench.out).runs
    content = json.loads(run.path.read_text())
    place = content["request"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    run.path.write_text(json.dumps(content))
    (changed,) = read_runs(bench.out).runs
    with pytest.raises(InputError):
        request_of(bench.out, changed)


def test_a_table_shows_what_its_own_runs_asked_for(bench: Bench) -> None:
    keep(bench, seeds=[0, 1])
    (mine,) = read_runs(bench.out).runs
    one, two = mine.cells[0], replace(mine.cells[0], cell=replace(mine.cells[0].cell, seed=2))
    other = replace(mine, request={"table": "other"}, cells=(one, two))
    foreign, unasked = (Stub(replace(one.cell, seed=seed)) for seed in (2, 7))
    records: list[Any] = [*(Stub(cell.cell) for cell in mine.cells), foreign, unasked]
    both = KeptRuns((mine, other))
    assert both.shown_in("mine", records) == [r for r in records if r is not foreign]
    assert both.shown_in("other", records) == [
        r for r in records if r is unasked or trial(r) in (trial(one), trial(two))
    ]
    # Of a table that was never run here, and in a folder that keeps no runs, nothing is known.
    assert both.shown_in("third", records) == records
    assert KeptRuns().shown_in("mine", records) == records


@dataclass(frozen=True)
class Stub:
    """What is asked of a record here."""

    cell: Cell


def trial(thing: Any) -> tuple[Any, ...]:
    cell = thing.cell
    return cell.dataset, cell.protocol, cell.seed, cell.data_seed
