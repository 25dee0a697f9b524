"""The table in a terminal of any width: no name is cut, and what has no room is said."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.console import Console

from crossres.benchmark import Record, Table, load_table
from crossres.benchmark.config.tables import Published, table_names
from crossres.datasets import digest_of
from crossres.reports import build_grids
from crossres.reports.grid.grid import Grid
from crossres.reports.tables.terminal import print_grid
from crossres.reports.wording import metric_title
from tests.reports.conftest import make_record

WIDTHS = (40, 60, 80, 120, 200)
LONG = "features of the mirror image added, and those of half the size, fused by rank"
WORD = "resnet152-of-the-very-long-name-that-no-terminal-of-forty-columns-has-room-for"


def grid_of(table: Table, source: str = "twin:quick:1", profile: str = "quick") -> Grid:
    """The table filled on its first data set (and its first two protocols), two seeds."""
    records = [
        protocolled
        for number, row in enumerate(table.rows)
        for protocol in (table.protocols[:2] or (row.protocol_on(twin=True),))
        for seed in table.seeds[:2]
        for protocolled in _under(
            protocol, make_record(table, number, table.datasets[0], seed, source, profile)
        )
    ]
    (grid,) = build_grids(records, table)
    return grid


def _under(protocol: str | None, record: Record) -> Iterator[Record]:
    key = digest_of(b"key", str(protocol).encode(), record.key.encode())[:20]
    cell = replace(record.cell, protocol=protocol or record.cell.protocol)
    yield replace(record, key=key, cell=cell)


def printed(grid: Grid, width: int) -> str:
    out = io.StringIO()
    print_grid(grid, Console(file=out, width=width, color_system=None))
    return out.getvalue()


def blocks(text: str) -> list[str]:
    """The tables of what is printed: from a head to the empty line below it."""
    return re.findall(r"^Method\b.*?\n *\n", text, re.DOTALL | re.MULTILINE)


def names(block: str) -> str:
    """What stands in the first column, line by line, put together again."""
    lines = block.splitlines()
    rule = next(n for n, line in enumerate(lines) if line.startswith("─"))
    head = " ".join(lines[:rule])
    assert head.startswith("Method")
    return " ".join(re.split(r"\s{2,}", line.rstrip())[0] for line in lines[rule + 1 :])


def assert_whole(grid: Grid, width: int) -> str:
    """Every name and every metric is there, in every block, and no line is too long."""
    text = printed(grid, width)
    assert max(map(len, text.splitlines())) <= width
    tables = blocks(text)
    assert tables
    for table in tables:
        assert "…" not in table
        joined = names(table)
        for row in grid.lines:
            label = grid.table.lines[row].label
            assert label in joined or label.replace(" ", "") in joined.replace(" ", ""), label
    heads = "".join("".join(table.partition("─")[0].split()) for table in tables)
    for metric in grid.table.metrics:
        assert heads.count(metric_title(metric).replace(" ", "")) >= 1, metric
    return text


@pytest.mark.parametrize("name", table_names())
def test_no_name_of_a_built_in_table_is_cut(name: str) -> None:
    grid = grid_of(load_table(name))
    for width in WIDTHS:
        assert_whole(grid, width)


def published_everywhere() -> Table:
    """Table 2 with longer names, one of them post-processed, and all metrics, each published."""
    table = load_table("table2")
    processing = {"mirror": True}
    first, second, third = table.rows
    rows = (
        replace(first, label=LONG, post_processing=processing),
        replace(second, label=WORD),
        third,
    )
    metrics = ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP")
    printed_values = [
        Published(row.published or "", "CAVIAR", metric, 50.0, "paper")
        for row in rows
        for metric in metrics
    ]
    return replace(
        table, rows=rows, metrics=metrics, reference=third.label, published=tuple(printed_values)
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_long_names_daggers_and_published_columns(width: int) -> None:
    grid = grid_of(published_everywhere(), "real", "paper")
    text = assert_whole(grid, width)
    assert LONG.replace(" ", "") + "†" in "".join(names(blocks(text)[0]).split())
    assert ("publ." in text) == (width == 200)
    assert ("published values" in " ".join(text.split())) == (width < 200)


def test_what_is_left_out_goes_in_order() -> None:
    grid = grid_of(load_table("extended"))
    shown = []
    for width in (80, 67, 55, 48, 40):
        words = blocks(assert_whole(grid, width))[0].partition("─")[0].split()
        shown.append([word for word in ("Rate", "Grade", "n") if word in words])
    assert shown == [["Rate", "Grade", "n"], ["Grade", "n"], ["n"], [], []]


def test_what_is_left_out_is_said() -> None:
    grid = grid_of(load_table("extended"))
    assert "Left out" not in printed(grid, 80)
    assert "Left out for lack of width: rate." in printed(grid, 67)
    narrow = " ".join(printed(grid, 48).split())
    assert "Left out for lack of width: rate, grade and numbers of seeds." in narrow


def test_metrics_that_have_no_room_stand_below_each_other() -> None:
    grid = grid_of(load_table("table2"))
    assert len(blocks(printed(grid, 80))) == 1
    assert len(blocks(printed(grid, 40))) == 2
    assert len(blocks(printed(grid, 24))) == 3
    for width in (1, 8, 20):  # no terminal, but no fault either
        printed(grid, width)


def test_the_caption_is_as_wide_as_the_terminal() -> None:
    lines = printed(grid_of(load_table("table2")), 120).splitlines()
    assert any(len(line) > 100 and "3 seeds" not in line and "twin" in line for line in lines)


def test_a_column_that_would_be_empty_is_none() -> None:
    text = printed(grid_of(load_table("test-time")), 200)
    assert "Grade" in text
    assert "Rate" not in text
    assert "Rate" in printed(grid_of(load_table("extended")), 200)
