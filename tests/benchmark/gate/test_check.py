"""The gate: what must be equal is found, and what is new is none."""

from dataclasses import replace

import pytest

from crossres.benchmark import Record
from crossres.benchmark.gate.check import check
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.records.cell import TrainedOn
from crossres.datasets import InputError
from tests.benchmark.gate.cases import TABLE, Make, kinds


def test_the_same_results_pass(grid: list[Record]) -> None:
    outcome = check(grid, grid, [TABLE], Limits(exact=True))
    assert outcome.passed
    assert all(test.equal and test.worse is None for test in outcome.tests)
    assert outcome.notes == ("24 cells are copies of the baseline's records, not run again",)


def test_a_missing_cell_is_found_and_a_new_one_is_none(grid: list[Record], make: Make) -> None:
    outcome = check(grid, [*grid[1:], make(0.5, "plain", "caviar")], [TABLE])
    assert kinds(outcome) == ["missing"]
    assert (
        "plain on mlr-viper (mlr-sing) was not run, or failed: seeds 0" in outcome.findings[0].text
    )
    assert "1 cells are new; the baseline lacks them" in outcome.notes


def test_other_data_is_found(grid: list[Record], make: Make) -> None:
    split = [make(0.5, r.cell.method, r.cell.dataset, r.cell.seed, manifest="x") for r in grid[:4]]
    outcome = check(grid, [*split, *grid[4:]], [TABLE])
    assert kinds(outcome) == ["data"]
    assert "another split on mlr-viper (mlr-sing), 4 cells" in outcome.findings[0].text
    pixels = [replace(grid[0], digests={**grid[0].digests, "pixels": "a" * 64}), *grid[1:]]
    assert "other pixels of the same split" in check(grid, pixels, [TABLE]).findings[0].text
    begun = [replace(r, digests={**r.digests, "initial resnet50": "b" * 64}) for r in grid]
    assert "resnet50 began with other weights" in check(grid, begun, [TABLE]).findings[0].text
    later = [
        replace(r, key=f"{r.key[:-2]}zz", cell=replace(r.cell, seed=r.cell.seed + 9)) for r in begun
    ]
    later = [replace(r, digests={**r.digests, "manifest": "c" * 64}) for r in later]
    (*others, finding) = check(grid, later, [TABLE], Limits(other_seeds=True)).findings
    assert {f.kind for f in (*others, finding)} == {"data"}
    assert "resnet50 began with other weights" in finding.text


def test_another_size_is_found(grid: list[Record]) -> None:
    smaller = [replace(r, counts={**r.counts, "embedding_size": 3}) for r in grid[:4]]
    outcome = check(grid, [*smaller, *grid[4:]], [TABLE])
    assert [f.text for f in outcome.findings] == ["Plain: embedding size 7 → 3 (4 cells)"]
    half = [replace(r, counts={**r.counts, "embedding_size": 3 + r.cell.seed}) for r in grid[:4]]
    outcome = check(grid, [*half, *grid[4:]], [TABLE])
    assert [f.text for f in outcome.findings] == ["Plain: embedding size 7 → 3 to 6 (4 cells)"]
    more = [replace(r, counts={**r.counts, "flops": 3}) for r in grid]
    assert check(grid, more, [TABLE]).passed  # what only one version counts is no difference


def test_other_options_and_profiles_are_other_cells(grid: list[Record], make: Make) -> None:
    pcb = [make(0.5, "pcb", r.cell.dataset, r.cell.seed, parts=3) for r in grid[8:16]]
    outcome = check(grid, [*grid[:8], *pcb, *grid[16:]], [TABLE])
    assert kinds(outcome) == ["setup"]
    assert outcome.findings[0].text == "PCB: option parts 6 → 3 (8 cells)"
    longer = {"train": {"iterations": 7, "identities": 3, "hr_images": 2, "lr_images": 2}}
    pcb = [make(0.5, "pcb", r.cell.dataset, r.cell.seed, profile=longer) for r in grid[8:16]]
    outcome = check(grid, [*grid[:8], *pcb, *grid[16:]], [TABLE])
    assert [f.text for f in outcome.findings] == ["PCB: profile train.iterations 6 → 7 (8 cells)"]
    newer = [
        make(0.5, r.cell.method, r.cell.dataset, r.cell.seed, source="twin:tiny:2") for r in grid
    ]
    assert "Plain: source twin:tiny:1 → twin:tiny:2 (8 cells)" in [
        f.text for f in check(grid, newer, [TABLE]).findings
    ]


def test_exact_finds_other_bits_and_wants_the_same_platform(grid: list[Record]) -> None:
    perturbed = [replace(grid[0], digests={**grid[0].digests, "weights": "c" * 64}), *grid[1:]]
    assert check(grid, perturbed, [TABLE]).passed
    outcome = check(grid, perturbed, [TABLE], Limits(exact=True))
    assert [f.text for f in outcome.findings] == ["Plain: 1 of 8 cells are not equal to the bit"]
    moved = [replace(r, environment={**r.environment, "torch": "3.0"}) for r in grid]
    assert check(grid, moved, [TABLE]).passed
    with pytest.raises(InputError, match=r"torch is 3\.0, there 2\.9"):
        check(grid, moved, [TABLE], Limits(exact=True))


def test_time_and_memory_are_bounded_where_asked(grid: list[Record]) -> None:
    slow = [replace(r, seconds={**r.seconds, "total": 18.0}, peak_memory_bytes=1300) for r in grid]
    assert check(grid, slow, [TABLE]).passed
    assert check(grid, slow, [TABLE], Limits(time=2, memory=1.5)).passed
    outcome = check(grid, slow, [TABLE], Limits(time=1.5, memory=1.2))
    assert sorted(set(kinds(outcome))) == ["memory", "time"]
    assert (
        outcome.findings[0].text == "all rows: time 1.80 × that of the baseline, the bound is 1.5 ×"
    )


def test_nothing_in_common_is_refused(grid: list[Record], make: Make) -> None:
    with pytest.raises(InputError, match=r"no cell in common: these are of mlr-viper .*seeds 77;"):
        check(grid, [make(0.5, "plain", "mlr-viper", 77)], [TABLE])
    with pytest.raises(InputError, match=r"\(mlr-sing, real\), seeds 0; the baseline is of .*twin"):
        check(grid, [make(0.5, "plain", "mlr-viper", 0, source="real")], [TABLE])


def test_other_post_processing_makes_other_cells(grid: list[Record]) -> None:
    def reranked(record: Record, k2: int) -> Record:
        cell = replace(record.cell, post_processing={"rerank": {"k1": 20, "k2": k2}})
        return replace(record, key=f"{record.key}-{k2}", cell=cell)

    before, now = ([reranked(r, k2) for r in grid] for k2 in (6, 5))
    assert check(before, before, [TABLE]).passed
    outcome = check(before, now, [TABLE])
    assert set(kinds(outcome)) == {"setup"}
    assert "post-processing rerank" in outcome.findings[0].text


def test_other_data_to_train_on_are_found(make: Make) -> None:
    def transfer(seed: int, manifest: str = "a", pixels: str = "c") -> Record:
        record = make(0.5, dataset="caviar:mlr-viper", seed=seed)
        trained_on = TrainedOn("caviar", "mlr-sing", "twin:tiny:1", manifest * 64)
        digests = {**record.digests, "training pixels": pixels * 64}
        return replace(record, cell=replace(record.cell, trained_on=trained_on), digests=digests)

    before = [transfer(seed) for seed in range(4)]
    assert check(before, before, [TABLE]).passed
    other_split = check(before, [transfer(seed, manifest="b") for seed in range(4)], [TABLE])
    assert kinds(other_split) == ["data"]
    assert "another split, or protocol, of the data that is trained on" in (
        other_split.findings[0].text
    )
    other_pixels = check(before, [transfer(seed, pixels="d") for seed in range(4)], [TABLE])
    assert kinds(other_pixels) == ["data"]
    assert "other pixels of the same split that is trained on" in other_pixels.findings[0].text
