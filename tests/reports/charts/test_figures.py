"""Drawings: curves and dots stand where the numbers say, labels never overlap, images survive."""

import base64
import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crossres.benchmark import load_table
from crossres.reports import build_grids
from crossres.reports.charts.axis import scale, spread
from crossres.reports.charts.cmc import TOP, cmc_plot
from crossres.reports.charts.images import data_uri
from crossres.reports.charts.seed_strips import STRIP_WIDTH, strips

TABLE = load_table("table2")


def _pairs(points: str) -> np.ndarray:
    return np.array([[float(v) for v in pair.split(",")] for pair in points.split()])


def test_cmc_curve_is_the_mean_of_the_records(drawn) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    column = grid.columns[1]
    plot = cmc_plot(grid, column)
    assert [curve.row for curve in plot.curves] == [0, 1, 2]
    low = float(plot.y_ticks[0].text) / 100
    for curve in plot.curves:
        records = grid.cells[curve.row, column].records
        mean = np.mean([record.cmc["single-shot"][:20] for record in records], axis=0)
        xy = _pairs(curve.points)
        drawn_mean = low + (plot.bottom - xy[:, 1]) / (plot.bottom - TOP) * (1 - low)
        assert drawn_mean == pytest.approx(mean, abs=0.05 * (1 - low) / 100 * 10)
        assert xy[0, 0] == 0
        assert xy[-1, 0] == 100
        assert curve.start == f"{100 * mean[0]:.1f}"


def test_the_band_reaches_from_the_lowest_to_the_highest_seed(recorder) -> None:
    records = [recorder(TABLE, 0, "caviar", seed, rank1=v) for seed, v in enumerate((0.3, 0.5))]
    (grid,) = build_grids(records, TABLE)
    (curve,) = cmc_plot(grid, grid.shown[0]).curves
    band = _pairs(curve.band)
    assert len(band) == 40
    assert band[0, 1] < _pairs(curve.points)[0, 1] < band[-1, 1]


def test_a_perfect_and_an_empty_column(recorder) -> None:
    record = recorder(TABLE, 0, "caviar", 0, rank1=1.0)
    (grid,) = build_grids([record], TABLE)
    plot = cmc_plot(grid, grid.shown[0])
    assert plot.y_ticks[-1].text == "100"
    assert cmc_plot(grid, grid.empty[0]) is None
    assert strips(grid, grid.empty[0]) == {}


def test_strips_show_every_seed_on_one_scale(drawn) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    for column in grid.columns:
        by_row = strips(grid, column)
        assert sorted(by_row) == [0, 1, 2]
        assert len({strip.ticks for strip in by_row.values()}) == 1
        pairs = [
            (value, dot.x)
            for row, strip in by_row.items()
            for value, dot in zip(grid.score(row, column, "rank1").values, strip.dots, strict=True)
        ]
        assert [x for _, x in sorted(pairs)] == sorted(x for _, x in pairs)
        assert all(0 < x < STRIP_WIDTH for _, x in pairs)


@given(st.floats(0, 100), st.floats(0, 100))
def test_scales_hold_their_values(first: float, second: float) -> None:
    low, high = scale(min(first, second), max(first, second))
    assert 0 <= low <= min(first, second)
    assert max(first, second) <= high <= 100
    assert high - low >= 5


@given(st.lists(st.floats(20, 240), min_size=1, max_size=9))
def test_labels_keep_their_order_and_distance(heights: list[float]) -> None:
    placed = spread(heights, 15, 18, 242)
    order = sorted(range(len(heights)), key=lambda i: (heights[i], i))
    assert all(17.9 <= height <= 242.1 for height in placed)
    gaps = [placed[b] - placed[a] for a, b in pairwise(order)]
    assert all(gap >= 14.9 for gap in gaps)


def test_labels_that_have_room_stay_where_they_are() -> None:
    assert spread([30.0, 100.0, 60.0], 15, 0, 200) == [30.0, 100.0, 60.0]


def test_small_images_arrive_to_the_bit() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
    kind, _, content = data_uri(image).partition(",")
    assert kind == "data:image/png;base64"
    back = Image.open(io.BytesIO(base64.b64decode(content)))
    assert np.array_equal(np.asarray(back), image)


def test_large_images_are_reduced() -> None:
    ramp = np.linspace(0, 255, 256, dtype=np.uint8)[:, None, None]
    kind, _, content = data_uri(np.tile(ramp, (1, 128, 3))).partition(",")
    assert kind == "data:image/jpeg;base64"
    back = Image.open(io.BytesIO(base64.b64decode(content)))
    assert back.size == (64, 128)
    middle = np.asarray(back)[:, 32, 0].astype(int)
    assert np.abs(middle - np.linspace(0, 255, 128)).max() < 6
