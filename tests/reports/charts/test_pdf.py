"""Figures for a paper: the numbers of the records, legible and whole, the same bytes every time."""

import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from crossres.benchmark import load_table
from crossres.reports import Grid, build_grids
from crossres.reports.charts.looks import looks_of
from crossres.reports.charts.parts import Parts
from crossres.reports.charts.pdf import pdf_figures
from crossres.reports.charts.small_multiples import COLUMN, TEXT, layout
from tests.reports.page.test_rates import records as rated_records

TABLE = load_table("table1")
TABLE2 = load_table("table2")
MILLIMETRE = 72 / 25.4
FONT = 7.5  # points
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no poppler here")


def figures(grid: Grid) -> dict[str, bytes]:
    """Those figures of a grid that there are, by name."""
    drawn = pdf_figures(grid, Parts(), looks_of([grid.table]))
    return {name: content for name, content in drawn.items() if content is not None}


def poppler(folder: Path, content: bytes, tool: str, *options: str) -> str:
    (folder / "figure.pdf").write_bytes(content)
    pages = [] if tool in ("pdfinfo", "pdffonts") else ["-"]
    command = [tool, *options, "figure.pdf", *pages]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def grid(recorder) -> Grid:
    """All rows of Table 1 on two real sets and an odd label."""
    odd = replace(TABLE.rows[0], label="A label with § and more words than a line of it holds")
    table = replace(TABLE, rows=(odd, *TABLE.rows[1:]))
    sets, rows = ("caviar", "mlr-pku"), range(len(table.rows))
    cells = [recorder(table, r, d, s, "real") for r in rows for d in sets for s in range(3)]
    (filled,) = build_grids(cells, table)
    return filled


def test_the_same_grid_gives_the_same_bytes(grid: Grid) -> None:
    first = figures(grid)
    assert list(first) == ["table1-real-quick-cmc.pdf", "table1-real-quick-seeds.pdf"]
    assert figures(grid) == first
    assert not any(b"CreationDate" in content for content in first.values())


@needs_poppler
def test_a_figure_is_as_wide_as_its_place_and_nothing_is_cut_off(grid, drawn, tmp_path) -> None:
    (twins,) = build_grids(drawn.records, drawn.table)
    (rated,) = build_grids(rated_records(), TABLE2)
    for content, millimetres in [
        *((content, 170) for drawing in (grid, twins) for content in figures(drawing).values()),
        *((content, 85) for content in figures(rated).values()),
    ]:
        boxes = poppler(tmp_path, content, "pdftotext", "-bbox")
        ((width, height),) = re.findall(r'<page width="([\d.]+)" height="([\d.]+)"', boxes)
        assert float(width) == pytest.approx(millimetres * MILLIMETRE, abs=0.1)
        words = re.findall(r'xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">', boxes)
        assert len(words) > 25
        for left, top, right, bottom in words:
            assert float(left) >= 0
            assert float(top) >= 0
            assert float(right) <= float(width)
            assert float(bottom) <= float(height)
            assert min(float(bottom) - float(top), float(right) - float(left)) > 1


@needs_poppler
def test_fonts_are_embedded_as_truetype(grid: Grid, tmp_path: Path) -> None:
    for content in figures(grid).values():
        _, _, *fonts = poppler(tmp_path, content, "pdffonts").splitlines()
        assert any("STIXGeneral-Regular" in font for font in fonts)
        assert all("TrueType" in font and font.split()[-5] == "yes" for font in fonts)


@needs_poppler
def test_every_row_and_set_is_named_and_twins_are_said_to_be_twins(grid, drawn, tmp_path) -> None:
    (twin,) = build_grids(drawn.records, drawn.table)
    for drawing, is_twin in ((grid, False), (twin, True)):
        for content in figures(drawing).values():
            text = " ".join(poppler(tmp_path, content, "pdftotext", "-raw").split())
            assert all(column.title in text for column in drawing.shown)
            assert all(row.label.split()[0] in text for row in drawing.table.rows)
            assert ("TWIN DATA" in text) == is_twin


@needs_poppler
def test_the_curve_runs_through_the_means_of_the_records(recorder, tmp_path: Path) -> None:
    table = replace(TABLE, rows=TABLE.rows[:1])
    cells = [recorder(table, 0, "caviar", seed, "real") for seed in range(3)]
    (grid,) = build_grids(cells, table)
    content = figures(grid)["table1-real-quick-cmc.pdf"]
    svg = poppler(tmp_path, content, "pdftocairo", "-svg")
    lines = [line for line in svg.splitlines() if "fill:none" in line]
    paths = [re.findall(r" d=\"([^\"]+)\"", line)[0] for line in lines]
    path = max(paths, key=lambda commands: commands.count("L"))
    heights = [float(y) for _, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]
    means = [sum(c.cmc["single-shot"][k] for c in cells) / 3 for k in range(20)]
    share = [(h - heights[0]) / (heights[-1] - heights[0]) for h in heights]
    assert share == pytest.approx(
        [(m - means[0]) / (means[-1] - means[0]) for m in means], abs=0.01
    )


def test_records_without_curves_give_no_figure_of_curves(recorder) -> None:
    record = replace(recorder(TABLE, 0, "caviar", 0), cmc={})
    (grid,) = build_grids([record], TABLE)
    assert list(figures(grid)) == ["table1-twin-quick-1-quick-seeds.pdf"]


@needs_poppler
def test_the_figure_by_rate_runs_through_the_means_and_has_intervals(tmp_path: Path) -> None:
    (grid,) = build_grids(rated_records(), TABLE2)
    content = figures(grid)["table2-twin-quick-1-quick-rates.pdf"]
    text = " ".join(poppler(tmp_path, content, "pdftotext", "-raw").split())
    assert "Down-sampling rate of the queries" in text
    assert "95 % interval of the mean" in text
    assert "MLR-VIPeR" in text
    assert "CAVIAR" not in text
    svg = poppler(tmp_path, content, "pdftocairo", "-svg")
    blue = [line for line in svg.splitlines() if "stroke:rgb(3.9" in line and "fill:none" in line]
    ((*_, path),) = [re.findall(r" d=\"([^\"]+)\"", line) for line in blue[:1]]
    heights = [float(y) for _, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]
    # The full method, of means of 0.81, 0.71 and 0.61: a straight line down.
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.01)
    assert abs(heights[2] - heights[0]) > 5


def test_panels_leave_as_few_holes_as_may_be() -> None:
    shapes = {panels: layout(panels, 3) for panels in (1, 2, 3, 4, 5, 6, 7, 10)}
    assert shapes == {
        1: (1, COLUMN),
        2: (2, COLUMN),
        3: (3, TEXT),
        4: (2, COLUMN),
        5: (5, TEXT),
        6: (3, TEXT),
        7: (4, TEXT),
        10: (5, TEXT),
    }
    assert layout(2, 30) == (2, TEXT)


@needs_poppler
def test_names_of_rows_stand_below_each_other_under_a_long_title(recorder, tmp_path: Path) -> None:
    protocol = "fixed-r[rate=2]"
    table = replace(TABLE2, protocols=(protocol,))
    cells = [recorder(table, row, "mlr-viper", 0) for row in range(3)]
    moved = [replace(record, cell=replace(record.cell, protocol=protocol)) for record in cells]
    (grid,) = build_grids(moved, table)
    (name,) = [name for name in figures(grid) if name.endswith("seeds.pdf")]
    words = poppler(tmp_path, figures(grid)[name], "pdftotext", "-bbox")
    tops = sorted({float(top) for top in re.findall(r'yMin="([0-9.]+)"[^>]*>Baseline<', words)})
    assert len(tops) == 3
    assert min(after - before for before, after in pairwise(tops)) > 1.1 * FONT
