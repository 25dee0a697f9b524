"""CSV, Markdown and the terminal: what is written can be read back, and twins are named as such."""

import io

import pandas as pd
import pytest
from rich.console import Console

from crossres.benchmark import load_table
from crossres.datasets.base.words import listed
from crossres.reports import build_grids, to_csv, to_markdown
from crossres.reports.grid.grid import Score
from crossres.reports.grid.standing import TWIN
from crossres.reports.tables.cells import mean_std
from crossres.reports.tables.csv import CSV_COLUMNS
from crossres.reports.wording import duration, memory, percent, signed
from crossres.reports.write import print_table
from tests.reports.page.test_rates import records as rated_records

TABLE = load_table("table2")


def test_csv_comes_back_as_it_went(drawn) -> None:
    grids = build_grids(drawn.records, drawn.table)
    frame = pd.read_csv(io.StringIO(to_csv(grids)), dtype={"values": str, "keys": str})
    assert tuple(frame.columns) == CSV_COLUMNS
    assert len(frame) == 3 * 5 * 2 * 6
    assert set(frame.query_rate) == {"all"}
    by_key = {record.key: record for record in drawn.records}
    for line in frame.itertuples():
        values = [float(part.split("=")[1]) for part in line.values.split(";")]
        records = [by_key[part.split("=")[1]] for part in line.keys.split(";")]
        assert values == [record.metrics[line.gallery][line.metric] for record in records]
        assert [record.cell.dataset for record in records] == [line.dataset] * line.n
        assert line.mean == pytest.approx(sum(values) / 3, abs=1e-15)
        assert 0 <= line.mean <= 1


def test_csv_keeps_published_values_as_fractions_beside_the_measured(real) -> None:
    frame = pd.read_csv(io.StringIO(to_csv(build_grids(real, TABLE))))
    full = frame[frame.row == "Baseline + CMSR² + MR²L"]
    line = full[(full.dataset == "caviar") & (full.metric == "rank1")].set_index("gallery")
    assert line.published["single-shot"] == 0.624
    assert pd.isna(line.published["multi-shot"])
    assert set(frame.source) == {"real"}
    assert frame.caution.isna().all()


def test_markdown_marks_and_warns(drawn, real) -> None:
    assert TWIN in to_markdown(build_grids(drawn.records, drawn.table))
    text = to_markdown(build_grids(real, TABLE))
    lines = [line for line in text.splitlines() if line.startswith("| CAVIAR")]
    assert len(lines) == 3
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert len(widths) == 1
    assert sum("**" in line for line in lines) == 1
    assert "| 62.4 |" in lines[2]


def test_csv_has_a_line_for_each_rate_of_the_queries() -> None:
    (grid,) = build_grids(rated_records(), TABLE)
    frame = pd.read_csv(io.StringIO(to_csv([grid])), dtype={"query_rate": str})
    assert set(frame.query_rate) == {"all", "2", "3", "4"}
    key = ["row", "dataset", "protocol", "metric", "query_rate", "gallery"]
    assert not frame.duplicated(key).any()
    means = frame[
        (frame.row == "Baseline")
        & (frame.dataset == "mlr-viper")
        & (frame.metric == "rank1")
        & (frame.gallery == "single-shot")
    ].set_index("query_rate")["mean"]
    assert [means[rate] for rate in "234"] == pytest.approx([0.61, 0.51, 0.41])
    for line in to_csv([grid]).splitlines():
        assert "@" not in line


def test_markdown_has_a_table_by_rate() -> None:
    (grid,) = build_grids(rated_records(), TABLE)
    text = to_markdown([grid])
    table = text.partition("### By down-sampling rate of the queries\n\n")[2].split("\n\n")[0]
    head, _, *lines = table.splitlines()
    titles = [cell.strip() for cell in head.strip("|").split("|")]
    assert titles[:3] == ["Data set", "Row", "Rank-1 at rate 2"]
    assert titles[-1] == "mAP at rate 4"
    assert len(lines) == 2 * 3
    assert lines[3].startswith("| MLR-VIPeR | Baseline | 61.0 ± 1.0 | 51.0 ± 1.0 | 41.0 ± 1.0 |")
    assert {line.count("|") for line in lines} == {len(titles) + 1}


def test_markdown_explains_the_marks_that_occur(drawn, recorder) -> None:
    text = to_markdown(build_grids(drawn.records, drawn.table))
    assert "= is a tie" in text
    assert ("second in italics" in text) == ("second" in str(drawn_marks(drawn)))
    one = to_markdown(build_grids([recorder(TABLE, 0, "caviar", 0)], TABLE))
    assert "in bold" not in one
    assert "By down-sampling rate" not in one


def drawn_marks(drawn) -> set[str]:
    (grid,) = build_grids(drawn.records, drawn.table)
    return {score.mark for score in grid.scores.values()}


def test_markdown_of_real_data_has_no_twin_banner(recorder) -> None:
    record = recorder(TABLE, 0, "caviar", 0, "real")
    text = to_markdown(build_grids([record], TABLE))
    assert "TWIN" not in text
    assert "8 of 9 cells have not been run" in text
    assert "Nothing measured on MLR-Market-1501" in text


def _printed(folder, width: int = 80) -> str:
    out = io.StringIO()
    print_table(folder, console=Console(file=out, width=width, color_system=None))
    return out.getvalue()


def test_the_terminal_table_fits_80_columns_unbroken(drawn) -> None:
    text = _printed(drawn.folder)
    assert max(map(len, text.splitlines())) <= 80
    (line, *_) = [line for line in text.splitlines() if line.startswith("Baseline + CMSR² + MR²L")]
    assert line.split()[-1] == "3"
    assert "62.4" not in text
    assert TWIN in text


def test_mean_and_deviation_as_displayed() -> None:
    assert mean_std(Score((0.5, 0.52), (0, 1), ("a", "b"))) == "51.0 ± 1.4"
    assert mean_std(Score((0.5,), (0,), ("a",))) == "50.0"
    assert mean_std(Score()) == "–"


def test_words() -> None:
    assert [percent(v) for v in (0, 0.12345, 1)] == ["0.0", "12.3", "100.0"]
    assert [signed(v) for v in (1.25, -0.04, -3)] == ["+1.2", "0.0", "−3.0"]
    assert [duration(v) for v in (8.31, 59.99, 245, 7630)] == [
        "8.3 s", "60.0 s", "4 min 05 s", "2 h 07 min",
    ]  # fmt: skip
    assert [memory(v) for v in (0, 812_000_000, 1.5 * 2**30)] == ["0 B", "774 MiB", "1.5 GiB"]
    assert [listed(v) for v in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c",
    ]  # fmt: skip
