"""Holm's correction, mean ranks and groups, against their definitions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crossres.benchmark.stats.ranking import holm, indistinguishable_groups, mean_ranks, pairwise
from tests.benchmark.stats.cases import fractions, values


def test_holm_on_a_worked_example() -> None:
    # Holm (1979) as worked by hand: 0.01*4, 0.02*3, max(0.03*2, 0.06), max(0.04*1, 0.06).
    assert holm([0.02, 0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.06, 0.04, 0.06])
    assert holm([]) == []
    assert holm([0.6, 0.9]) == [1.0, 1.0]


@given(st.lists(fractions, min_size=1, max_size=8))
def test_holm_rejects_what_its_definition_rejects(given_values: list[float]) -> None:
    level, count = 0.05, len(given_values)
    rejected = 0
    for rank, value in enumerate(sorted(given_values)):
        if value * (count - rank) > level:
            break
        rejected += 1
    assert sum(value <= level for value in holm(given_values)) == rejected


def test_pairs_are_paired_t_tests_adjusted_together() -> None:
    rng = np.random.default_rng(8)
    columns = rng.normal([0.5, 0.52, 0.6, 0.61], 0.02, (6, 4)).T
    tests = pairwise([values("a", column.tolist()) for column in columns])
    pairs = list(itertools.combinations(range(4), 2))
    raw = [stats.ttest_rel(columns[i], columns[j]).pvalue for i, j in pairs]
    assert list(tests) == pairs
    assert list(tests.values()) == pytest.approx(holm(raw), rel=1e-6)


def test_a_pair_that_cannot_be_tested_is_left_out() -> None:
    rows = [values("a", [0.5, 0.6]), values("a", [0.4, 0.6]), values("b", [0.4, 0.6])]
    assert list(pairwise(rows)) == [(0, 1)]
    assert pairwise([values("a", [0.5]), values("a", [0.6])]) == {}
    assert pairwise([]) == {}


def test_a_row_chosen_for_its_mean_is_rarely_told_from_its_equals() -> None:
    rng = np.random.default_rng(9)
    alarms, trials, count = 0, 400, 6
    for _ in range(trials):
        drawn = rng.normal(0.5, 0.03, (count, 4, 3))
        rows = [{(str(d), s): x[d, s] for d in range(4) for s in range(3)} for x in drawn]
        best = int(drawn.mean(axis=(1, 2)).argmax())
        alarms += any(p <= 0.05 for pair, p in pairwise(rows).items() if best in pair)
    assert alarms / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
    assert alarms > 0


def test_mean_ranks_are_those_of_friedman() -> None:
    rows = [
        values("a", [0.9, 0.8, 0.7]),
        values("a", [0.5, 0.8, 0.9]),
        values("a", [0.1, 0.2, 0.3]),
    ]
    assert mean_ranks(rows) == pytest.approx([(1 + 1.5 + 2) / 3, (2 + 1.5 + 1) / 3, 3.0])
    rows[2].pop(("a", 0))
    assert mean_ranks(rows) == pytest.approx([(1.5 + 2) / 2, (1.5 + 1) / 2, 3.0])
    assert mean_ranks([values("a", [0.5]), values("b", [0.5])]) == []
    assert mean_ranks([]) == []


@given(
    st.integers(0, 7).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.dictionaries(
                st.sampled_from([*itertools.combinations(range(count), 2), (98, 99)]), fractions
            ),
        )
    )
)
def test_groups_are_all_maximal_sets_without_a_told_pair(
    drawn: tuple[int, dict[tuple[int, int], float]],
) -> None:
    count, tests = drawn

    def tied(group: tuple[int, ...]) -> bool:
        return all(tests.get(pair, 1.0) > 0.05 for pair in itertools.combinations(group, 2))

    rows = range(count)
    every = [g for size in rows for g in itertools.combinations(rows, size + 1) if tied(g)]
    largest = [g for g in every if not any(set(g) < set(larger) for larger in every)]
    assert indistinguishable_groups(count, tests) == sorted(g for g in largest if len(g) > 1)


def test_many_equal_rows_are_one_group() -> None:
    assert indistinguishable_groups(60, {}) == [tuple(range(60))]
