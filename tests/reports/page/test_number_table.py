"""The flat table: every line, numbers that agree with the grid, and columns only where needed."""

import re
from pathlib import Path

from crossres.benchmark import load_table
from crossres.benchmark.records.record import write_record
from crossres.reports import build_grids
from crossres.reports.page.number_table import numbers_of
from crossres.reports.write import write_report


def test_one_line_for_each_row_and_data_set(drawn) -> None:
    grids = build_grids(drawn.records, drawn.table)
    table = numbers_of(grids)
    assert [(line.label, line.dataset) for line in table.lines] == [
        (row.label, column.title) for column in grids[0].shown for row in drawn.table.rows
    ]
    assert dict(table.facets) == {"data set": tuple(c.title for c in grids[0].shown)}
    assert [head.title for head in table.heads] == [
        *("Rank-1", "Rank-5", "mAP"),
        *("Seeds", "Training", "Peak memory", "Parameters"),
    ]


def test_entries_are_those_of_the_grid(drawn, real) -> None:
    (grid,) = build_grids(real, drawn.table)
    line = numbers_of([grid]).lines[0]
    score = grid.score(0, grid.shown[0], "rank1")
    rank1, published, *_, seeds, training, memory, parameters = line.entries
    assert rank1.value == score.mean
    assert (rank1.key, rank1.mark) == (score.keys[0], score.mark)
    assert (rank1.text, rank1.spread) == (f"{100 * score.mean:.1f}", f"{100 * score.std:.1f}")
    assert (published.value, published.is_published) == (score.published.value, True)
    assert [entry.value for entry in (seeds, training)] == [3, 31.25]
    assert (memory.text, parameters.text) == ("774 MiB", "1,234,567")


def test_real_data_has_differences_and_several_tables_can_be_chosen(recorder) -> None:
    table2, table3 = load_table("table2"), load_table("table3")
    real = [recorder(table2, row, "caviar", 0, "real", "paper", rank1=0.7) for row in range(3)]
    twin = [recorder(table3, 1, "caviar", 0)]
    grids = [*build_grids(real, table2), *build_grids(twin, table3)]
    table = numbers_of(grids)
    at = [head.title for head in table.heads].index("Rank-1 Δ")
    gaps = [line.entries[at] for line in table.lines if line.facets["table"] == "table2"]
    assert [(gap.text, round(gap.value, 6)) for gap in gaps][2] == ("+7.6", 7.6)
    assert {line.entries[at].value for line in table.lines[3:]} == {None}
    assert list(table.facets) == ["table", "run"]
    assert [line.label for line in table.lines[3:]] == ["IR_1 + IR_1/2"]
    (few,) = build_grids(real[:1], table2)
    missing = numbers_of([few]).lines[1]  # was published, and not run
    assert {entry.text for entry in missing.entries if not entry.is_published} <= {"", "0 of 3"}


def test_without_the_script_there_is_a_plain_table(drawn, real, tmp_path: Path) -> None:
    write_record(tmp_path, real[0])
    html = write_report(tmp_path, [drawn.table])[0].read_text(encoding="utf-8")
    section = html.split('id="numbers"')[1].split("</details>")[0]
    head = section.split("<thead>")[1].split("</thead>")[0]
    assert "<button" not in head
    controls = section[
        section.index('<div class="controls filters"') : section.index('<p class="cou')
    ]
    assert controls.splitlines()[0].endswith(" hidden>")
    assert not re.search(r"<(button|select|input)\b", section.replace(controls, ""))
    assert '">3 lines</p>' in section
    measured = re.findall(r'<td class="num[^"]*" data-value="([^"]+)"', section)
    printed = re.findall(r'<td class="published num" data-value="([^"]+)"', section)
    assert len(printed) == 6
    assert measured
