"""All pairs at once are, to the last bit, what `difference` says of each."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossres.benchmark.stats import all_pairs
from crossres.benchmark.stats.all_pairs import p_values
from crossres.benchmark.stats.paired import Values, difference
from crossres.benchmark.stats.sample import Sample, counted_queries, scored_queries
from tests.benchmark.stats.cases import values

COLUMNS = {"a one": "a", "a two": "a", "b": "b"}  # two protocols of one data set, and another set


def one_by_one(rows: list[Values], on: str | None = None) -> dict[tuple[int, int], float]:
    gaps = {
        (i, j): difference(rows[i], rows[j], on=on) for i, j in combinations(range(len(rows)), 2)
    }
    return {pair: gap.p for pair, gap in gaps.items() if gap is not None and gap.p is not None}


def drawn_rows(
    number: int, rows: int, seeds: int, identities: int, columns: list[str], *, fixed: bool
) -> list[Sample]:
    """Rows tested on the same queries; `fixed`: seeds have the same identities."""
    rng = np.random.default_rng(number)
    pids = {}
    for column in columns:
        for seed in range(seeds):
            chosen = rng.choice(3 * identities, identities, replace=False)
            same = np.arange(identities) if fixed else chosen
            pids[column, seed] = np.sort(np.concatenate([same, rng.choice(same, identities)]))
    samples = []
    for _ in range(rows):
        scores = {trial: rng.integers(0, 4, len(of)) / 4 + rng.integers(2) / 8 * (of % 2)
                  for trial, of in pids.items()}  # fmt: skip
        samples.append(
            Sample(
                {trial: float(s.mean()) for trial, s in scores.items()},
                {t: scored_queries(COLUMNS[t[0]], pids[t], s) for t, s in scores.items()},
            )
        )
    return samples


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(2, 5),
    st.sampled_from([1, 2, 3, 9, 50]),
    st.sampled_from([1, 2, 3, 5, 17, 64, 131]),
    st.sampled_from([["b"], ["a one", "b"], ["a one", "a two"], list(COLUMNS)]),
    st.booleans(),
)
def test_rows_of_the_same_queries(
    number: int, rows: int, seeds: int, identities: int, columns: list[str], fixed: bool
) -> None:
    samples = drawn_rows(number, rows, seeds, identities, columns, fixed=fixed)
    for on in (None, columns[0], "none"):
        assert p_values(samples, on) == one_by_one(samples, on)
        assert list(p_values(samples, on)) == list(one_by_one(samples, on))


def test_rows_that_differ_in_what_they_have() -> None:
    whole = drawn_rows(1, 4, 4, 12, list(COLUMNS), fixed=True)
    one_set = whole[0].only(["b"])
    other = drawn_rows(2, 2, 4, 12, list(COLUMNS), fixed=False)
    counted = Sample(
        dict(whole[1]), {t: counted_queries(COLUMNS[t[0]], v, 9, 5) for t, v in whole[1].items()}
    )
    without = Sample(dict(whole[2]))
    rows: list[Values] = [
        *whole, one_set, *other, counted, without, {}, dict(whole[3]), values("b", [0.5])
    ]  # fmt: skip
    for on in (None, "a one", "b"):
        assert p_values(rows, on) == one_by_one(rows, on)


def test_rows_that_are_equal_or_differ_by_a_constant() -> None:
    row = drawn_rows(3, 1, 3, 8, ["b"], fixed=True)[0]
    rows = [row, row, Sample({t: v + 0.25 for t, v in row.items()}, row.queries)]
    assert p_values(rows) == one_by_one(rows)
    assert p_values(rows)[0, 1] == 1.0


def test_rows_of_the_same_queries_are_never_taken_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = drawn_rows(4, 12, 5, 20, list(COLUMNS), fixed=False)
    monkeypatch.setattr(all_pairs, "difference", None)
    assert len(p_values(rows)) == 66
