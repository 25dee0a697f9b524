"""The room's door: files, sizes, same bytes for same records, and what is said of bad folders."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.commit import Commit
from crossres.benchmark.records.planned import ExpectedCell, write_run
from crossres.benchmark.records.record import write_record
from crossres.datasets import InputError
from crossres.reports import build_grids
from crossres.reports.page.commands import cell_command, missing_command
from crossres.reports.write import (
    Contents,
    contents_of,
    print_table,
    write_contents,
    write_report,
)
from tests.reports.conftest import draw_results

TABLE = load_table("table2")


def _html(folder: Path) -> str:
    return (folder / "report" / "index.html").read_text(encoding="utf-8")


def test_files_and_sizes(drawn) -> None:
    paths = write_report(drawn.folder)
    assert [path.relative_to(drawn.folder / "report").as_posix() for path in paths] == [
        "index.html",
        "table2.tex",
        "table2.compact.tex",
        "table2.transposed.tex",
        "table2.csv",
        "table2.md",
        "figures/table2-twin-quick-1-quick-cmc.pdf",
        "figures/table2-twin-quick-1-quick-seeds.pdf",
    ]
    assert 100_000 < paths[0].stat().st_size < 5_000_000


def test_same_records_same_bytes_wherever_the_folder_lies(drawn, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_report(drawn.folder)]
    copy = tmp_path / "elsewhere"
    shutil.copytree(drawn.folder, copy, ignore=shutil.ignore_patterns("report"))
    assert [path.read_bytes() for path in write_report(copy)] == first
    assert [path.read_bytes() for path in write_report(copy)] == first


def test_every_number_leads_to_its_record(drawn, report) -> None:
    html = report.read_text(encoding="utf-8")
    anchors = re.findall(r'id="([^"]+)"', html)
    assert len(anchors) == len(set(anchors))
    targets = set(re.findall(r'href="#([^"]+)"', html))
    assert targets <= set(anchors)
    keys = {record.key for record in drawn.records}
    assert {f"r-{key}" for key in keys} <= set(anchors)
    assert {f"r-{key}" for key in keys} <= targets
    files = re.findall(r'href="(\.\./[^"]+)"', html)
    assert {Path(name).stem for name in files} == keys
    assert all((drawn.folder / "report" / name).resolve().is_file() for name in files)
    for record in drawn.records:
        assert all(digest in html for digest in record.digests.values())


def test_measured_and_published_never_share_a_column(real, tmp_path: Path) -> None:
    for record in real:
        write_record(tmp_path, record)
    write_report(tmp_path)
    cell = re.compile(r'<td class="num (measured|published)[^>]*>(.*?)</td>', re.S)
    cells = cell.findall(_html(tmp_path))
    measured = [content for kind, content in cells if kind == "measured"]
    published = [content for kind, content in cells if kind == "published"]
    assert len(measured) == 3 * 5 * 3
    assert len(published) == 3 * 5 * 2 * 2  # and the differences
    assert all("<a href" in content for content in measured)
    assert all(re.fullmatch(r"[+−]?\d+\.\d", content) for content in published)


def test_twins_are_named_and_what_is_published_stands_apart(report) -> None:
    html = report.read_text(encoding="utf-8")
    assert "TWIN DATA" in html
    assert "Δ" not in html
    before, block = html.split(">What papers print</h2>")
    block, after = block.split("</details>", 1)
    assert block.count(">62.4<") == 1
    assert "Not measured here, and not comparable with what was." in block
    assert 'class="num published' not in before + after
    assert "(twin data)</title>" in html


def test_merged_folders_give_a_section_for_each_source(recorder, tmp_path: Path) -> None:
    for source, profile in (("real", "paper"), ("twin:quick:1", "quick")):
        for row in range(3):
            record = recorder(TABLE, row, "caviar", 0, source, profile, rank1=0.5 + row / 10)
            write_record(tmp_path, record)
    write_report(tmp_path)
    html = _html(tmp_path)
    assert html.count("<article id=") == 2
    assert html.count('class="banner twin"') == 2  # of the page, and of the table
    assert html.count('class="banner real"') == 1
    real = html.split("<article id=")[1]
    assert real.startswith('"table2-real-paper"')
    assert "+7.6" in real  # 70.0 measured, 62.4 published
    assert (
        r"\crossrescaption{table2-real-paper}" in (tmp_path / "report" / "table2.tex").read_text()
    )


def test_broken_records_are_listed_and_not_fatal(recorder, tmp_path: Path) -> None:
    write_record(tmp_path, recorder(TABLE, 0, "caviar", 0))
    (tmp_path / "records" / "half.json").write_text('{"schema": 1, "key"')
    write_report(tmp_path)
    assert "records/half.json" in _html(tmp_path)


def test_failed_cells_are_listed_until_they_succeed(recorder, tmp_path: Path) -> None:
    finished = recorder(TABLE, 0, "caviar", 0)
    write_record(tmp_path, finished)
    (tmp_path / "failures").mkdir()
    for key in ("0" * 20, finished.key):
        entry = json.dumps({"key": key, "reason": "out of memory"})
        (tmp_path / "failures" / f"{key}.log").write_text(f"cell {key}\n{entry}\n\nTraceback\n")
    (tmp_path / "failures" / "odd.log").write_text("")
    write_report(tmp_path)
    html = _html(tmp_path)
    assert "2 failed cells" in html
    assert f"cell {'0' * 20}: out of memory" in html
    assert f"cell {finished.key}" not in html
    assert "odd: the log does not say why" in html


def test_records_of_no_row_are_listed(recorder, tmp_path: Path) -> None:
    write_record(tmp_path, recorder(TABLE, 0, "caviar", 0))
    one_row = replace(TABLE, rows=TABLE.rows[1:])
    write_record(tmp_path, recorder(TABLE, 1, "caviar", 0))
    write_report(tmp_path, [one_row])
    assert "1 record outside the tables" in _html(tmp_path)


@pytest.mark.parametrize("prepare", ["absent", "empty", "broken"])
def test_no_records_at_all_is_one_clear_line(tmp_path: Path, prepare: str) -> None:
    folder = tmp_path / "results"
    if prepare != "absent":
        (folder / "records").mkdir(parents=True)
    if prepare == "broken":
        (folder / "records" / "x.json").write_text("{")
    for door in (write_report, print_table):
        with pytest.raises(InputError, match=r"no usable records|no results there") as caught:
            door(folder)
        assert str(folder) in str(caught.value)
        assert "crossres run" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not (folder / "report").exists()


def test_records_of_another_table_are_an_error_that_says_so(recorder, tmp_path: Path) -> None:
    write_record(tmp_path, recorder(TABLE, 0, "caviar", 0))
    foreign = replace(TABLE, id="mine", rows=TABLE.rows[2:])
    with pytest.raises(InputError, match="belongs to mine"):
        write_report(tmp_path, [foreign])


def test_a_users_table_gets_its_own_files(recorder, tmp_path: Path) -> None:
    table = replace(TABLE, id="mine", title="Only <b>mine</b> & nobody's", rows=TABLE.rows[:1])
    write_record(tmp_path, recorder(TABLE, 0, "caviar", 0, notes=["<script>alert(1)</script>"]))
    paths = write_report(tmp_path, [table])
    names = [path.name for path in paths]
    files = ["mine.tex", "mine.compact.tex", "mine.transposed.tex", "mine.csv", "mine.md"]
    assert names[:6] == ["index.html", *files]
    assert names[6:] == ["mine-twin-quick-1-quick-cmc.pdf", "mine-twin-quick-1-quick-seeds.pdf"]
    html = _html(tmp_path)
    assert "Only &lt;b&gt;mine&lt;/b&gt; &amp; nobody&#39;s" in html
    assert "<script>alert" not in html
    assert "PATH/TO/mine.toml" in html


def test_the_command_runs_exactly_its_cell(drawn, recorder) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    record = grid.cells[1, grid.columns[1]].records[2]
    assert cell_command(grid, 1, record) == (
        "crossres run table2 --profile quick --rows 'Baseline + CMSR²' "
        "--datasets mlr-market --seeds 2 --out again"
    )
    (real,) = build_grids([recorder(TABLE, 0, "caviar", 0, "real")], TABLE)
    command = cell_command(real, 0, real.records[0])
    assert command.startswith("crossres run table2 --profile quick --data ROOT --rows Baseline ")


def test_the_commands_name_a_protocol_that_is_not_the_default(recorder) -> None:
    record = recorder(TABLE, 0, "caviar", 0)
    fixed = replace(record, cell=replace(record.cell, protocol="fixed-r[rate=4]"))
    (grid,) = build_grids([fixed], TABLE)
    assert [column.title for column in grid.shown] == ["CAVIAR (fixed-r[rate=4])"]
    flags = "--datasets caviar --protocol 'fixed-r[rate=4]'"
    assert cell_command(grid, 0, fixed).endswith(f"{flags} --seeds 0 --out again")
    assert missing_command(grid).endswith(f"{flags} --out RESULTS")


def test_nothing_in_the_page_points_outside(drawn, report) -> None:
    html = report.read_text(encoding="utf-8")
    links = re.findall(r'(?:src|href)="([^"]*)"', html)
    outside = [link for link in links if not link.startswith(("#", "data:image/", "../records/"))]
    assert outside == []
    assert "url(" not in html
    assert "@import" not in html
    assert json.loads((drawn.folder / "records" / f"{drawn.records[0].key}.json").read_text())


def test_a_report_needs_no_torch_and_no_pandas(drawn, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    shutil.copytree(drawn.folder, folder, ignore=shutil.ignore_patterns("report"))
    code = (
        "import sys; from crossres import write_report; write_report(sys.argv[1]); "
        "print([name for name in ('torch', 'pandas', 'scipy.stats') if name in sys.modules])"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert process.stdout == "[]\n"


def test_what_a_run_asked_for_is_missing_until_it_has_a_record(tmp_path: Path) -> None:
    drawn = draw_results(tmp_path, TABLE, datasets=("caviar",))
    done = [ExpectedCell(r.key, r.key, ("a",), r.cell, "", "", "", 1.0) for r in drawn.records]
    assert [grid.missing for grid in contents_of(tmp_path, [TABLE]).grids] == [()]

    commit = Commit("0123456789abcdef0123456789abcdef01234567", changed=True)

    def asked(*cells: ExpectedCell) -> Contents:
        request, planned = {"table": "table2"}, [*done, *cells]
        write_run(tmp_path, {}, request, planned, at=1.0, workers=1, commit=commit)
        return contents_of(tmp_path, [TABLE])

    first = done[0]
    seeds = [replace(first, key=f"k{n}", cell=replace(first.cell, seed=n)) for n in (7, 8)]
    contents = asked(*seeds)
    (grid,) = contents.grids
    missing = 2 * len(TABLE.rows)
    assert {seed for _, _, seed in grid.missing} == {7, 8}
    assert len(grid.missing) == missing
    assert contents.tables["table2"] == TABLE
    page = write_contents(contents)[0].read_text()
    assert f"{len(done)} done, {missing} missing" in page
    assert "<dd>1970-01-01, commit 0123456789ab, with changes</dd>" in page
    # Sets of which nothing is done have no columns, and count all the same.
    place = replace(first.cell, dataset="mlr-viper")
    sets = [replace(first, key=f"v{n}", cell=replace(place, profile=f"p{n}")) for n in range(40)]
    assert f"{len(done)} done, 40 missing" in write_contents(asked(*sets))[0].read_text()
