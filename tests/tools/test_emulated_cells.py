"""The committed cells in a process of their own; an emulator is asked for by maintainers only."""

from dataclasses import replace

import pytest

from crossres.benchmark.gate.baseline import read_baseline
from tools.emulated_cells import BASELINES, held, main

PLAIN = next(
    record
    for record in read_baseline(BASELINES / "portable.json").records
    if (record.cell.method, record.cell.dataset) == ("plain", "mlr-viper")
)


def test_a_cell_is_computed_here_without_an_emulator(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--rows", "Plain", "--datasets", "mlr-viper"]) == 0
    assert capfd.readouterr().out.startswith("Plain on mlr-viper, seed 0: ")


def test_what_differs_is_named() -> None:
    assert held(PLAIN) == "Plain on mlr-viper, seed 0: equal to the bit"
    other = replace(PLAIN, digests={**PLAIN.digests, "embeddings": "f" * 64})
    assert held(other) == "Plain on mlr-viper, seed 0: differs in embeddings"
    strange = replace(PLAIN, key="f" * 20, cell=replace(PLAIN.cell, method="pcb"))
    assert held(strange).endswith("is not among the committed cells")
