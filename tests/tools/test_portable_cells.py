"""Whether this machine gives the committed bits: what the tool says of records that differ."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark.config.tables import load_table
from crossres.benchmark.gate.baseline import Baseline, read_baseline, to_baseline
from crossres.benchmark.records.cell import key_of
from crossres.benchmark.records.record import Record, write_record
from tools.portable_cells import BASELINES, cpu_model, main, this_machine

COMMITTED = read_baseline(BASELINES / "portable.json").records
EQUAL = 8
PLAIN = "Plain on mlr-viper, seed 0: "


def is_plain(record: Record) -> bool:
    return (record.cell.method, record.cell.dataset) == ("plain", "mlr-viper")


def lines(capsys: pytest.CaptureFixture[str], results: Path, *more: str) -> list[str]:
    assert main([str(results), *more]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out.splitlines()


def run_here(folder: Path, change: Callable[[Record], Record] = lambda record: record) -> Path:
    """Write a results folder of the committed records, as they are after the change."""
    for record in COMMITTED:
        write_record(folder, change(record))
    return folder


def with_digests(record: Record, *names: str) -> Record:
    return replace(record, digests={**record.digests, **dict.fromkeys(names, "f" * 64)})


def test_the_committed_cells_are_those_of_the_table() -> None:
    table = load_table(BASELINES / "portable.toml")
    cells = {(record.cell.method, record.cell.dataset) for record in COMMITTED}
    assert cells == {(row.method, name) for row in table.rows for name in table.datasets}
    assert {record.cell.profile for record in COMMITTED} == {"smoke"}
    assert {record.environment["kernels"] for record in COMMITTED} == {"portable, AVX2"}
    assert len(COMMITTED) == EQUAL


def test_equal_records_are_equal_to_the_bit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine, *cells, total = lines(capsys, run_here(tmp_path))
    assert machine == f"this machine: {this_machine()}"
    assert len(cells) == EQUAL
    assert all(line.endswith(", seed 0: equal to the bit") for line in cells)
    assert total == "8 of 8 cells are equal to the bit"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("weights",), "differs in weights"),
        (("embeddings",), "differs in embeddings"),
        (("pixels", "weights", "embeddings"), "differs in pixels, weights, embeddings"),
    ],
)
def test_digests_that_differ_are_named(
    names: tuple[str, ...], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_here(tmp_path, lambda r: with_digests(r, *names) if is_plain(r) else r)
    output = lines(capsys, tmp_path)
    assert PLAIN + expected in output
    assert sum("equal to the bit" in line for line in output) == EQUAL
    assert output[-1] == "7 of 8 cells are equal to the bit"


def test_metrics_that_differ_stand_beside_the_committed_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lower(record: Record) -> Record:
        if not is_plain(record):
            return record
        metrics = {rule: dict(values) for rule, values in record.metrics.items()}
        metrics["single-shot"]["mAP"] = 0.5
        return replace(with_digests(record, "embeddings"), metrics=metrics)

    (committed,) = (r.metrics["single-shot"]["mAP"] for r in COMMITTED if is_plain(r))
    (line,) = (x for x in lines(capsys, run_here(tmp_path, lower)) if x.startswith(PLAIN))
    assert line == f"{PLAIN}differs in embeddings, mAP 50.0% against {committed:.1%}"


def test_a_measure_beside_rank_1_and_map_that_differs_is_no_equality(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def later(record: Record) -> Record:
        cmc = {rule: (*curve[:-1], 0.0) for rule, curve in record.cmc.items()}
        return replace(record, cmc=cmc) if is_plain(record) else record

    assert f"{PLAIN}differs in other metrics" in lines(capsys, run_here(tmp_path, later))


@pytest.mark.parametrize("name", ["torch", "numpy", "platform", "kernels"])
def test_other_versions_and_machines_are_said(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_here(tmp_path, lambda r: replace(r, environment={**r.environment, name: "another"}))
    (note,) = lines(capsys, tmp_path)[EQUAL + 2 :]
    committed = COMMITTED[0].environment[name]
    assert note == f"the committed bits say nothing about {name} another: they are of {committed}"


def test_code_that_has_changed_is_said_where_results_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A change that leaves the bits as they were leaves nothing to be said."""
    run_here(tmp_path / "same", lambda r: with_digests(r, "code"))
    assert lines(capsys, tmp_path / "same")[-1] == "8 of 8 cells are equal to the bit"
    run_here(tmp_path / "other", lambda r: with_digests(r, "code", "weights"))
    *_, total, note = lines(capsys, tmp_path / "other")
    assert total == "0 of 8 cells are equal to the bit"
    assert "nox -s portable -- --write" in note


def test_cells_with_an_option_more_are_still_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The committed ones lack an option that methods have now, and so have other keys."""
    old = [without_an_option(record) for record in COMMITTED if is_plain(record)]
    (tmp_path / "old.json").write_text(to_baseline(Baseline(tuple(old))))
    run_here(tmp_path)
    output = lines(capsys, tmp_path, "--against", str(tmp_path / "old.json"))
    assert old[0].key not in {record.key for record in COMMITTED}
    assert f"{PLAIN}equal to the bit" in output
    assert "msifla on mlr-viper: is not among the committed cells" in output
    assert "1 of 1 cells are equal to the bit" in output


def without_an_option(record: Record) -> Record:
    options = {name: value for name, value in record.cell.options.items() if name != "margin"}
    cell = replace(record.cell, options=options)
    key = key_of(cell, record.profile, record.digests["manifest"])
    return replace(record, cell=cell, key=key)


# --- what cannot be compared ----------------------------------------------------------------------


def test_a_cell_that_was_not_run_and_a_folder_without_any_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_here(tmp_path / "part")
    (victim,) = (record.key for record in COMMITTED if is_plain(record))
    (tmp_path / "part" / "records" / f"{victim}.json").unlink()
    for folder, words in (("part", "lack plain on mlr-viper"), ("none", "none")):
        assert main([str(tmp_path / folder)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("portable_cells: ")
        assert words in error
        assert error.count("\n") == 1


# --- the machine ----------------------------------------------------------------------------------


def test_the_machine_is_named_with_its_versions() -> None:
    assert re.fullmatch(r".+ \(\w+, .+\), torch \S+, numpy \S+", this_machine())


def test_the_cpu_is_what_the_system_says(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nflags\t: avx2\n"
    )
    assert cpu_model(tmp_path / "cpuinfo") == "A CPU @ 2 GHz"
    (tmp_path / "cpuinfo").write_text("processor\t: 0\n")  # as some ARM machines have it
    for without in ("cpuinfo", "missing"):
        assert cpu_model(tmp_path / without)
