"""Baseline files: what is written is read, and an altered one is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossres.benchmark import Record
from crossres.benchmark.gate.baseline import Baseline, read_baseline, to_baseline, with_runs
from crossres.datasets import InputError
from tests.benchmark.gate.cases import begun, runs


def test_runs_are_the_cells_of_the_baseline_and_not_its_bits(grid: list[Record]) -> None:
    first, second = runs(grid, 2, np.random.default_rng(9))
    with pytest.raises(InputError, match=r"run 1 .* lacks 2 cells, the first is bot on mlr-viper"):
        with_runs(
            Baseline(tuple(first)),
            [[r for r in second if r.cell.method != "bot" or r.cell.seed > 0]],
        )
    same_bits = [replace(r, seconds={**r.seconds, "total": 9.0}) for r in second]
    with pytest.raises(InputError, match=r"run 2 .* has the same bits as another run"):
        with_runs(Baseline(tuple(first)), [second, same_bits])
    more = with_runs(Baseline(tuple(first)), [[*second, *grid]]).more_runs[0]
    assert len(more) == 24


def test_a_baseline_is_the_records_whole_in_a_fixed_order(
    grid: list[Record], tmp_path: Path
) -> None:
    text = to_baseline(Baseline(tuple(grid)))
    assert to_baseline(Baseline(tuple(reversed(grid)))) == text
    assert len(text.splitlines()) == 24 + 2
    path = tmp_path / "b.json"
    path.write_text(text)
    loaded = read_baseline(path)
    assert {r.key: r for r in loaded.records} == {record.key: record for record in grid}
    assert loaded.more_runs == ()
    assert to_baseline(loaded) == text
    with pytest.raises(InputError, match="a baseline needs records"):
        to_baseline(Baseline(()))


def test_other_runs_stand_in_the_file_with_their_metrics_and_first_losses(
    grid: list[Record], tmp_path: Path
) -> None:
    rng = np.random.default_rng(10)
    first, *more_runs = (begun(grid, rng) for _ in range(3))
    baseline = with_runs(Baseline(tuple(first)), more_runs)
    text = to_baseline(baseline)
    assert len(text.splitlines()) == 2 * 24 + 3
    path = tmp_path / "b.json"
    path.write_text(text)
    for written, read in zip(baseline.more_runs, read_baseline(path).more_runs, strict=True):
        assert {record.key: record for record in read} == {record.key: record for record in written}
    assert to_baseline(read_baseline(path)) == text
    content = json.loads(text)
    for entry in content["again"]:
        del entry["first_losses"]  # as in files of older versions
    path.write_text(json.dumps(content))
    assert [record.first_losses for record in read_baseline(path).more_runs[1]] == [{}] * 24
    content["again"].pop()
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"b\.json: the runs under `again` are not of the cells"):
        read_baseline(path)
    path.write_text(text.replace('"mAP": 0.', '"mAP": 4.'))
    with pytest.raises(InputError, match="does not follow"):
        read_baseline(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-40], "not a readable baseline"),
        (lambda _: "[]", "not a baseline of version 1"),
        (lambda text: text.replace('"version": 1', '"version": 9', 1), "not a baseline of version"),
        (lambda text: text.replace('"seed": 0', '"seed": 1', 1), "line 2: its cell, profile and"),
        (lambda text: text.replace('"mAP": 0.5', '"mAP": 5', 1), "line 2: does not follow"),
        (lambda text: json.dumps(json.loads(text) | {"records": []}), "it holds no cell"),
        (lambda text: json.dumps(json.loads(text) | {"records": json.loads(text)["records"] * 2}),
         "stands twice"),
    ],
)  # fmt: skip
def test_a_baseline_that_was_altered_is_refused(
    grid: list[Record], tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    path = tmp_path / "b.json"
    path.write_text(change(to_baseline(Baseline(tuple(grid)))))
    with pytest.raises(InputError, match=message) as error:
        read_baseline(path)
    assert str(path) in str(error.value)


def test_a_run_again_that_is_partly_a_copy_is_refused(grid: list[Record]) -> None:
    first, second, third = runs(grid, 3, np.random.default_rng(11))
    fault = r"run 1 .* holds 23 records that another run has, too"
    with pytest.raises(InputError, match=fault):
        with_runs(Baseline(tuple(first)), [[*first[:23], second[23]]])
    with pytest.raises(InputError, match=r"run 2 .* holds 1 record that another run has, too"):
        with_runs(Baseline(tuple(first)), [second, [second[0], *third[1:]]])
    again = [replace(r, seconds={**r.seconds, "total": 9.0}) for r in first[:8]]  # the same bits
    assert len(with_runs(Baseline(tuple(first)), [[*again, *second[8:]]]).more_runs) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [("manifest", "another split"), ("pixels", "other pixels"), ("start", "other random weights"),
     ("draws", "other draws"), ("training pixels", "other pixels of the data that is trained on"),
     ("initial resnet50", "other weights of resnet50")],
)  # fmt: skip
def test_a_run_again_with_other_inputs_is_refused(
    grid: list[Record], name: str, words: str
) -> None:
    names = ("start", "draws", "training pixels", "initial resnet50")
    first, second = (
        [replace(r, digests={**r.digests, **dict.fromkeys(names, "1" * 64)}) for r in run]
        for run in runs(grid, 2, np.random.default_rng(13))
    )
    assert with_runs(Baseline(tuple(first)), [second]).more_runs
    second[5] = replace(second[5], digests={**second[5].digests, name: "7" * 64})
    message = rf"run 1 .* has {words}.* than the baseline, first in plain on mlr-market, seed 1;"
    with pytest.raises(InputError, match=message):
        with_runs(Baseline(tuple(first)), [second])


def test_a_run_that_the_baseline_has_already_is_refused(grid: list[Record]) -> None:
    first, second, third = runs(grid, 3, np.random.default_rng(12))
    baseline = with_runs(Baseline(tuple(first)), [second])
    with pytest.raises(InputError, match=r"run 1 .* is in the baseline already"):
        with_runs(baseline, [second])
    assert len(with_runs(baseline, [third]).more_runs) == 2
