"""Two results folders: what differs, in how many cells, and by how much."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from scipy import stats

from crossres.benchmark import Record, Row, Table, load_table
from crossres.benchmark.compare.comparison import Comparison, Gap, compare, tally
from crossres.benchmark.compare.pairs import Change
from crossres.benchmark.stats.sample import Queries
from tests.benchmark.compare.cases import TABLE, Make


def filled(make: Make, values: Sequence[float], dataset: str, method: str = "plain", **more: Any):
    return [
        make(value, method, dataset, seed, outputs=str(more), **more)
        for seed, value in enumerate(values)
    ]


def gap(comparison: Comparison, row: str | None, dataset: str | None = None) -> Gap:
    return next(gap for gap in comparison.gaps if (gap.row, gap.dataset) == (row, dataset))


# --- what differs ---------------------------------------------------------------------------------


def test_causes_of_one_key_are_counted_once_each(make: Make) -> None:
    a = [make(seed=seed) for seed in range(3)]
    moved = [replace(record, environment={**record.environment, "torch": "2.8"}) for record in a]
    code = {**make(0.6, seed=2).digests, "code": "f" * 64, "pixels": "e" * 64}
    b = [*moved[:2], replace(moved[2], digests=code)]
    torch, pixels, code_change = (
        Change("environment", "torch", "2.9", "2.8"),
        Change("pixels"),
        Change("code"),
    )
    tallies = tally(compare(a, b, [TABLE]).pairs)
    assert [(t.change, t.bit_equal, t.same_metrics, t.other_metrics) for t in tallies] == [
        (pixels, 0, 1, 0),
        (code_change, 0, 1, 0),
        (torch, 2, 1, 0),
    ]
    assert tallies[2].cells == 3
    assert tallies[2].rows == ("Plain",)


def test_what_differs_though_nothing_is_recorded_is_said(make: Make) -> None:
    [change] = tally(compare([make()], [make(0.6)], [TABLE]).pairs)
    assert (change.change, change.cells, change.other_metrics) == (None, 1, 1)


def test_a_changed_option_is_found(make: Make) -> None:
    a = [make(method="pcb", seed=seed) for seed in range(2)]
    b = [make(method="pcb", seed=seed, parts=3) for seed in range(3)]
    comparison = compare(a, b, [TABLE])
    assert [(p.row, p.a.cell.seed, p.b.cell.seed) for p in comparison.pairs] == [
        ("PCB", 0, 0),
        ("PCB", 1, 1),
    ]
    assert [t.change for t in tally(comparison.pairs)] == [Change("option", "parts", "6", "3")]
    assert (comparison.only_a, comparison.only_b) == ((), (b[2],))
    assert comparison.same_key == ()


def test_another_split_is_one_difference(make: Make) -> None:
    a = [make(seed=seed) for seed in range(3)]
    b = [make(seed=seed, manifest="other") for seed in range(3)]
    comparison = compare(a, b, [TABLE])
    assert [(t.change, t.cells) for t in tally(comparison.pairs)] == [(Change("manifest"), 3)]


def test_the_order_of_records_does_not_matter(make: Make) -> None:
    a = [make(0.1 * s, m, seed=s) for s in range(3) for m in ("pcb", "plain")]
    b = [make(0.2 * s, m, seed=s, outputs="b") for s in range(3) for m in ("pcb", "plain")]
    assert compare(a, b, [TABLE]) == compare(a[::-1], b[::-1], [TABLE])


def test_rows_are_those_of_the_table_that_is_filled(make: Make) -> None:
    table2 = load_table("table2")
    records = [make(method="msifla", **row.options) for row in table2.rows]
    tables = [load_table(name) for name in ("controls", "table1", "table2")]
    assert set(compare(records, records, tables).rows) == {row.label for row in table2.rows}


# --- how large the difference is ------------------------------------------------------------------

MANY = 10**12  # identities, so that their draw adds nothing to that of seeds


def compared(a: Sequence[Record], b: Sequence[Record], table: Table = TABLE) -> Comparison:
    """With seeds as the only chance there is."""

    def alike(record: Record, *_: str) -> Queries:
        return Queries(record.cell.dataset, MANY, MANY, 0.0)

    return compare(a, b, [table], (alike, alike))


VIPER_A, VIPER_B = (0.50, 0.54, 0.52), (0.53, 0.58, 0.53)
CAVIAR_A, CAVIAR_B = (0.60, 0.61), (0.66, 0.63)


@pytest.fixture
def two_sets(make: Make) -> Comparison:
    """Plain differs on two data sets with three seeds and two; PCB is equal."""
    pcb = filled(make, (0.3, 0.4, 0.5), "mlr-viper", "pcb")
    a = [*filled(make, VIPER_A, "mlr-viper"), *filled(make, CAVIAR_A, "caviar"), *pcb]
    b = [*filled(make, VIPER_B, "mlr-viper"), *filled(make, CAVIAR_B, "caviar"), *pcb]
    return compared(a, b)


def test_interval_over_the_data_sets(two_sets: Comparison) -> None:
    viper = [b - a for a, b in zip(VIPER_A, VIPER_B, strict=True)]
    caviar = [b - a for a, b in zip(CAVIAR_A, CAVIAR_B, strict=True)]
    effect = (statistics.mean(viper) + statistics.mean(caviar)) / 2
    # Seeds are what is drawn: each has one value, of its sets together.
    means = [statistics.mean(viper), statistics.mean(caviar)]
    shares = [
        (viper[0] - means[0]) / math.sqrt(6) + (caviar[0] - means[1]) / math.sqrt(2),
        (viper[1] - means[0]) / math.sqrt(6) + (caviar[1] - means[1]) / math.sqrt(2),
        (viper[2] - means[0]) / math.sqrt(6),
    ]
    error = math.sqrt(sum(share**2 for share in shares)) / 2
    low, high = stats.t.interval(0.95, df=1, loc=effect, scale=error)
    plain = gap(two_sets, "Plain")
    assert plain.difference.effect == pytest.approx(effect)
    assert (plain.difference.low, plain.difference.high) == pytest.approx((low, high))
    assert plain.p == pytest.approx(2 * stats.t.sf(effect / error, 1))
    assert plain.b - plain.a == pytest.approx(effect)
    assert plain.a == pytest.approx((0.52 + 0.605) / 2)


def test_one_data_set_alone_is_the_paired_t_test(make: Make) -> None:
    a, b = filled(make, VIPER_A, "mlr-viper"), filled(make, VIPER_B, "mlr-viper")
    plain = gap(compared(a, b), "Plain", "mlr-viper")
    assert plain.p == pytest.approx(stats.ttest_rel(VIPER_B, VIPER_A).pvalue)
    interval = stats.ttest_rel(VIPER_B, VIPER_A).confidence_interval()
    assert (plain.difference.low, plain.difference.high) == pytest.approx(tuple(interval))


def test_an_equal_row_costs_no_correction(two_sets: Comparison) -> None:
    assert gap(two_sets, "PCB").verdict == "equal"
    assert gap(two_sets, "Plain").p == gap(two_sets, "Plain").difference.p


def test_holm_over_the_rows_that_differ(make: Make) -> None:
    table = replace(TABLE, rows=(*TABLE.rows, Row("Tricks", "bot")))
    sides = {
        "plain": ((0.500, 0.510, 0.490), (0.520, 0.529, 0.511)),  # surely better
        "bot": ((0.50, 0.51, 0.49), (0.50, 0.53, 0.46)),  # by chance
        "pcb": ((0.60, 0.61, 0.59), (0.58, 0.57, 0.58)),  # p of 0.05 to 0.10
    }
    a = [r for method, (left, _) in sides.items() for r in filled(make, left, "mlr-viper", method)]
    b = [r for method, (_, two) in sides.items() for r in filled(make, two, "mlr-viper", method)]
    comparison = compared(a, b, table)
    raw = {m: float(stats.ttest_rel(two, left).pvalue) for m, (left, two) in sides.items()}
    assert gap(comparison, "Plain").p == pytest.approx(3 * raw["plain"])
    assert gap(comparison, "PCB").p == pytest.approx(2 * raw["pcb"])
    assert gap(comparison, "Plain").verdict == "better"
    assert gap(comparison, "Tricks").verdict == "not told"
    back = compared(b, a, table)
    assert gap(back, "Plain").verdict == "worse"
    assert gap(back, "Plain").difference.effect == -gap(comparison, "Plain").difference.effect


def test_all_rows_together_are_one_mean_a_seed(two_sets: Comparison) -> None:
    """Seeds of viper: the mean of Plain and PCB; of caviar: Plain alone."""
    viper = [(b - a) / 2 for a, b in zip(VIPER_A, VIPER_B, strict=True)]
    caviar = [b - a for a, b in zip(CAVIAR_A, CAVIAR_B, strict=True)]
    overall = gap(two_sets, None)
    effect = (statistics.mean(viper) + statistics.mean(caviar)) / 2
    assert overall.difference.effect == pytest.approx(effect)
    assert (overall.difference.pairs, overall.difference.freedom) == (5, 1)


def test_real_data_and_twins_have_no_mean_in_common(make: Make) -> None:
    a = [make(source=source) for source in ("real", "twin:tiny:1")]
    assert {row_gap.row for row_gap in compare(a, a, [TABLE]).gaps} == {
        "Plain (real)",
        "Plain (twin:tiny:1)",
    }


def test_one_seed_tells_nothing(make: Make) -> None:
    plain = gap(compare([make(0.5)], [make(0.9)], [TABLE]), "Plain")
    assert (plain.p, plain.verdict, plain.difference.low) == (None, "not told", None)


def test_only_common_seeds_count(make: Make) -> None:
    a = filled(make, (0.5, 0.6, 0.1), "mlr-viper")
    b = filled(make, (0.5, 0.7), "mlr-viper")
    plain = gap(compare(a, b, [TABLE]), "Plain")
    assert (plain.a, plain.b) == (pytest.approx(0.55), pytest.approx(0.6))


def test_cost_is_the_median_ratio(make: Make) -> None:
    a = [make(seed=seed) for seed in range(3)]
    b = [
        replace(record, seconds={"total": seconds}, peak_memory_bytes=memory)
        for record, seconds, memory in zip(a, (5.0, 20.0, 90.0), (500, 1000, 1500), strict=True)
    ]
    costs = compare(a, b, [TABLE]).costs
    assert [(c.row, c.pairs, c.seconds, c.memory) for c in costs] == [
        (None, 3, 2.0, 1.0),
        ("Plain", 3, 2.0, 1.0),
    ]
    instant = [replace(record, seconds={"total": 0.0}) for record in a]
    assert compare(instant, b, [TABLE]).costs[0].seconds is None


def test_without_a_table_the_headline_metrics_are_compared(make: Make) -> None:
    comparison = compare([make()], [make(0.6)], [])
    assert [metric for _, metric in comparison.measures] == ["rank1", "rank5", "mAP"]
    assert comparison.rows == ("plain",)
