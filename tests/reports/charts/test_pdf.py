"""Figures for a paper: the numbers of the records, legible and whole, the same bytes every time."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark import load_table
from crossres.reports import Grid, build_grids
from crossres.reports.charts.parts import Parts
from crossres.reports.charts.pdf import COLOURS, STYLES, pdf_figures

TABLE = load_table("table1")
MILLIMETRE = 72 / 25.4
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no poppler here")


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
    first = pdf_figures(grid, Parts())
    assert list(first) == ["table1-real-quick-cmc.pdf", "table1-real-quick-seeds.pdf"]
    assert pdf_figures(grid, Parts()) == first
    assert not any(b"CreationDate" in content for content in first.values())


@needs_poppler
def test_a_figure_is_as_wide_as_a_column_and_nothing_is_cut_off(grid, drawn, tmp_path) -> None:
    twins = build_grids(drawn.records, drawn.table)
    for content in [
        c for drawing in (grid, *twins) for c in pdf_figures(drawing, Parts()).values()
    ]:
        boxes = poppler(tmp_path, content, "pdftotext", "-bbox")
        ((width, height),) = re.findall(r'<page width="([\d.]+)" height="([\d.]+)"', boxes)
        assert float(width) == pytest.approx(85 * MILLIMETRE, abs=0.1)
        words = re.findall(r'xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">', boxes)
        assert len(words) > 30
        for left, top, right, bottom in words:
            assert float(left) >= 0
            assert float(top) >= 0
            assert float(right) <= float(width)
            assert float(bottom) <= float(height)
            assert min(float(bottom) - float(top), float(right) - float(left)) > 1


@needs_poppler
def test_fonts_are_embedded_as_truetype(grid: Grid, tmp_path: Path) -> None:
    for content in pdf_figures(grid, Parts()).values():
        _, _, *fonts = poppler(tmp_path, content, "pdffonts").splitlines()
        assert fonts
        assert all("TrueType" in font and font.split()[-5] == "yes" for font in fonts)


@needs_poppler
def test_every_row_and_set_is_named_and_twins_are_said_to_be_twins(grid, drawn, tmp_path) -> None:
    (twin,) = build_grids(drawn.records, drawn.table)
    for drawing, is_twin in ((grid, False), (twin, True)):
        for content in pdf_figures(drawing, Parts()).values():
            text = " ".join(poppler(tmp_path, content, "pdftotext", "-raw").split())
            assert all(column.title in text for column in drawing.shown)
            assert all(row.label.split()[0] in text for row in drawing.table.rows)
            assert ("TWIN DATA" in text) == is_twin


@needs_poppler
def test_the_curve_runs_through_the_means_of_the_records(recorder, tmp_path: Path) -> None:
    table = replace(TABLE, rows=TABLE.rows[:1])
    cells = [recorder(table, 0, "caviar", seed, "real") for seed in range(3)]
    (grid,) = build_grids(cells, table)
    content = pdf_figures(grid, Parts())["table1-real-quick-cmc.pdf"]
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
    drawn = pdf_figures(grid, Parts())
    names = [name for name, content in drawn.items() if content is not None]
    assert names == ["table1-twin-quick-1-quick-seeds.pdf"]


def test_no_two_rows_look_alike() -> None:
    rows = range(len(COLOURS) * len(STYLES))
    looks = {(row % len(COLOURS), row % len(STYLES)) for row in rows}
    assert len(looks) == len(rows) > 20
