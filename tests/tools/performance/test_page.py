"""The tables of docs/performance.md are those of the committed figures."""

from dataclasses import replace

import pytest

from tools.performance.__main__ import COMMITTED, PAGE
from tools.performance.figures import Ratio, read_figures
from tools.performance.page import SECTIONS, tables, with_tables

COMMITTED_FIGURES = read_figures(COMMITTED)


def test_the_page_shows_the_committed_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page, COMMITTED_FIGURES) == page, "write it: nox -s benchmark -- --write"


def test_every_committed_ratio_has_a_row() -> None:
    rows = sum(
        len(table.splitlines()) - 2
        for heading, table in tables(COMMITTED_FIGURES).items()
        if heading in SECTIONS
    )
    assert rows == sum(isinstance(figure, Ratio) for figure in COMMITTED_FIGURES.figures)


@pytest.mark.parametrize(
    ("ratio", "row"),
    [
        (0.4321, "0.432 ± 3 % | quicker |"),
        (1.02, "1.02 ± 3 % | as quick |"),
        (12345.0, "12300 ± 3 % | slower |"),
    ],
)
def test_a_row_says_whether_we_are_slower(ratio: float, row: str) -> None:
    figures = [
        replace(figure, ratio=ratio, spread=0.06) if isinstance(figure, Ratio) else figure
        for figure in COMMITTED_FIGURES.figures
    ]
    changed = tables(replace(COMMITTED_FIGURES, figures=tuple(figures)))
    assert all(line.endswith(row) for line in changed["Training"].splitlines()[2:])


def test_a_page_without_a_section_is_refused() -> None:
    with pytest.raises(ValueError, match="no table in a section 'Evaluator'"):
        with_tables("# Performance\n", COMMITTED_FIGURES)
