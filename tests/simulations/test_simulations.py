"""The study of statements in small: rows that are equal are rarely called unlike."""

import numpy as np
import pytest

from tests.simulations.drawing import LEVEL_OF_ALL, Layout, drawn_table
from tests.simulations.statements import KINDS, finds, verdicts, wrong

DRAWINGS = 60
MOST = 0.05 + 3 * (0.05 * 0.95 / DRAWINGS) ** 0.5


@pytest.mark.parametrize("split", ["official", "drawn"])
@pytest.mark.parametrize("seeds", [2, 4])
def test_each_kind_of_statement_is_rarely_wrong(split, seeds) -> None:
    layout = Layout(3, 2, seeds, 40, split)
    rng = np.random.default_rng(seeds)
    drawings = [wrong(layout, drawn_table(layout, rng)) for _ in range(DRAWINGS)]
    for kind in KINDS:
        assert sum(mistakes[kind] for mistakes in drawings) / DRAWINGS <= MOST, kind


def test_a_true_lead_is_found_with_enough_seeds_and_identities() -> None:
    rng = np.random.default_rng(1)
    tables = [drawn_table(Layout(2, 3, 6, 400, "official"), rng, 0.2) for _ in range(20)]
    assert sum(map(finds, tables)) >= 18
    few = [drawn_table(Layout(2, 1, 2, 12, "official"), rng, 0.05) for _ in range(20)]
    assert sum(map(finds, few)) <= 2


def test_rows_are_equal_and_the_first_leads_by_what_it_is_told() -> None:
    rng = np.random.default_rng(2)
    layout = Layout(2, 10, 20, 400, "drawn")
    for lead in (0.0, 0.1):
        first, second = (np.mean(list(row.values())) for row in drawn_table(layout, rng, lead))
        assert second == pytest.approx(LEVEL_OF_ALL, abs=0.03)
        assert first - second == pytest.approx(lead, abs=0.03)


def test_rows_that_differ_by_more_than_the_margin_are_not_called_alike() -> None:
    rng = np.random.default_rng(3)
    layout = Layout(2, 2, 8, 400, "official")
    called = [
        verdict
        for _ in range(20)
        for verdict in verdicts(layout, drawn_table(layout, rng, 0.05), 0.05)
    ]
    assert called.count("no difference") <= 3
