"""LaTeX: every sign arrives, and a real pdflatex sets the tables inside the width of a journal."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark import Record, Row, Table, built_in_tables, load_table
from crossres.benchmark.config.transfers import set_ids
from crossres.cli import run
from crossres.datasets import digest_of
from crossres.datasets.cards import CARDS
from crossres.datasets.protocols import canonical_text
from crossres.reports import build_grids, to_latex
from crossres.reports.tables.latex import STYLES
from crossres.reports.tables.latex_published import published_to_latex
from crossres.reports.tables.latex_tabular import (
    MACROS,
    Group,
    Number,
    Section,
    TabularBlock,
    TabularLine,
    panels_of,
    tabular,
)
from crossres.reports.tables.latex_text import escape
from crossres.reports.write import write_report
from tests.reports.conftest import make_record
from tests.reports.page.test_rates import rated
from tests.reports.page.test_rates import records as rated_records

TABLE = load_table("table2")
DOCUMENT = r"""\documentclass[%s]{article}
\usepackage[utf8]{inputenc}
\usepackage[textwidth=17cm,textheight=24cm]{geometry}
\usepackage{booktabs,graphicx}
\begin{document}
%s
\end{document}
"""
NO_SHRINKING = r"\renewcommand\resizebox[3]{\errmessage{a table of \the\wd0 is too wide}}"
LITTLE_SHRINKING = r"""\let\shrink\resizebox
\renewcommand\resizebox[3]{\ifdim\wd0>1.1\linewidth\errmessage{too wide: \the\wd0}\fi
  \shrink{#1}{#2}{#3}}"""
LABEL = r"\crossreslabel{%s} & "


IEEE = r"""\documentclass[conference]{IEEEtran}
\usepackage[utf8]{inputenc}
\usepackage{booktabs,graphicx}
"""


def has_file(name: str) -> bool:
    """Whether LaTeX finds a file."""
    return subprocess.run(["kpsewhich", name], capture_output=True).returncode == 0


def has_latex() -> bool:
    """Whether there is a LaTeX with booktabs."""
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich") and shutil.which("pdftotext")):
        return False
    return has_file("booktabs.sty")


needs_latex = pytest.mark.skipif(not has_latex(), reason="no pdflatex with booktabs here")


def compile_latex(folder: Path, body: str, options: str = "10pt") -> tuple[str, str]:
    """Set `body` with pdflatex; returns the log and the text of the pages."""
    (folder / "page.tex").write_text(DOCUMENT % (options, body), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    assert process.returncode == 0, log[-2000:]
    text = subprocess.run(
        ["pdftotext", "-layout", "page.pdf", "-"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return log, text.stdout


def overfull(log: str) -> list[str]:
    """The lines of the log that say that something is wider or higher than its place."""
    return re.findall(r"Overfull .*|.*Float too large.*", log)


@needs_latex
def test_table_2_is_set_without_error_inside_the_line(drawn, tmp_path: Path) -> None:
    (tmp_path / "table2.tex").write_text(
        to_latex(build_grids(drawn.records, drawn.table)), encoding="utf-8"
    )
    log, text = compile_latex(tmp_path, r"\input{table2}")
    assert overfull(log) == []
    assert "TWIN DATA" in text
    assert "MLR-Market-1501" in text
    assert "Published" not in text


@needs_latex
def test_published_numbers_are_set_below_the_measured(real, tmp_path: Path) -> None:
    log, text = compile_latex(tmp_path, to_latex(build_grids(real, TABLE)))
    assert overfull(log) == []
    measured, *published = text.split("Published\n")
    assert len(published) == 2  # panels
    assert "92.4" in published[0]
    assert "92.4" not in measured


def all_cells(recorder, table: Table) -> list[Record]:
    """Records of two seeds in every cell of a table, under each of its protocols."""
    records = []
    for index, row in enumerate(table.rows):
        for dataset in table.datasets:
            protocol_of_row = row.protocol_on(twin=True)
            for protocol in (
                [protocol_of_row]
                if protocol_of_row
                else [*table.protocols] or [CARDS[set_ids(dataset)[1]].protocol]
            ):
                for seed in (0, 1):
                    record = recorder(table, index, dataset, seed)
                    cell = replace(
                        record.cell, protocol=canonical_text(set_ids(dataset)[1], protocol)
                    )
                    key = digest_of(f"{record.key} {protocol}".encode())[:20]
                    records.append(replace(record, key=key, cell=cell))
    return records


def real_record(table: Table, row: int, dataset: str, seed: int) -> Record:
    return make_record(table, row, dataset, seed, "real", "paper")


@pytest.fixture(scope="module")
def floats() -> dict[tuple[str, str, str], str]:
    """Every table in every style, of two seeds, on twins and, where something is published, real.

    The source is part of the key.
    """
    drawn = {}
    for table in built_in_tables():
        for source, recorded in (("twin", make_record), ("real", real_record)):
            if source == "twin" or table.published:
                every = [*all_cells(recorded, table), *of_oracle(recorded, table)]
                every = [rated(record, {2: 0.6, 3: 0.5, 4: 0.4}) for record in every]
                grids = build_grids(every, table)
                columns = len(table.datasets) * max(1, len(table.protocols))
                assert source == "real" or len(grids[0].shown) == columns
                for style in STYLES:
                    drawn[table.id, source, style] = to_latex(grids, style=style)
    return drawn


@needs_latex
@pytest.mark.parametrize("options", ["10pt", "10pt,twocolumn"])
def test_every_table_fits_the_page_without_shrinking(floats, tmp_path: Path, options: str) -> None:
    full = [text + r"\clearpage" for key, text in floats.items() if key[1:] == ("twin", "full")]
    log, page = compile_latex(tmp_path, NO_SHRINKING + "\n".join(full), options)
    assert overfull(log) == []
    numbers = sorted(map(int, re.findall(r"Table (\d+):", page)))
    assert numbers == [*range(1, len(full) + 1)]


def of_oracle(recorder, table: Table) -> list[Record]:
    """Records of two seeds of the table's oracle, if it has one, on all sets but CAVIAR."""
    if table.oracle is None:
        return []
    alone = replace(table, rows=(table.oracle,))
    drawn = [
        recorder(alone, 0, name, k) for name in set(table.datasets) - {"caviar"} for k in (0, 1)
    ]
    return [
        replace(
            record,
            key=digest_of(f"{record.key} of the oracle".encode())[:20],
            cell=replace(record.cell, protocol=table.oracle.protocol),
        )
        for record in drawn
    ]


def test_rows_that_are_trained_on_different_sets_say_on_which(recorder) -> None:
    table = load_table("table4")
    (grid,) = build_grids(all_cells(recorder, table), table)
    text = to_latex([grid])
    assert " & Training & Training & " in text
    assert " & ids / images & time & " in text
    (column,) = grid.shown
    training = grid.training(0, column)
    assert training is not None
    size = f"{training.identities:.0f} / {training.images:.0f}"
    assert f"{LABEL % table.rows[0].label}{size} & " in text
    assert "Training" not in to_latex(build_grids(all_cells(recorder, TABLE), TABLE)[:1])


@needs_latex
def test_one_data_set_fits_a_column_of_a_journal(recorder, tmp_path: Path) -> None:
    table = load_table("table1")
    records = [recorder(table, row, "caviar", s) for row in range(len(table.rows)) for s in (0, 1)]
    text = to_latex(build_grids(records, table))
    assert r"\begin{table}" in text
    log, _ = compile_latex(tmp_path, r"\sloppy" + LITTLE_SHRINKING + text, "10pt,twocolumn")
    assert overfull(log) == []


@needs_latex
def test_wide_narrow_and_odd_tables_are_set_too(recorder, tmp_path: Path) -> None:
    odd = replace(
        TABLE,
        title='100% & more: {a_b}#^~\\ <x> | "q" ±2 × 3 − 1',
        rows=(
            replace(TABLE.rows[0], latex=None, label="A_1 & B² → 50%"),
            replace(TABLE.rows[1], latex=None, label="a label of a great many words " * 5),
            *TABLE.rows[2:],
        ),
    )
    names = [*TABLE.datasets, "mlr-pku"]
    wide = [recorder(odd, row, d, 0) for row in range(3) for d in names]
    real = [recorder(odd, row, "caviar", seed, "real") for row in range(2) for seed in range(2)]
    log, text = compile_latex(tmp_path, NO_SHRINKING + to_latex(build_grids([*wide, *real], odd)))
    assert overfull(log) == []
    assert "100% & more: {a b}#" in text  # TeX draws the underscore as a rule
    assert "A 1 & B" in text
    assert text.count("TWIN DATA") == 1


def one_metric(numbers: Sequence[Number]) -> str:
    """Numbers below each other in one column."""
    lines = tuple(TabularLine((f"r{k}",), ((number,),)) for k, number in enumerate(numbers))
    group = Group("A data set with a long name", ("mAP",))
    block = TabularBlock((("Row", ""),), (group,), (Section("", lines),))
    return MACROS + tabular(block, panels_of(block))


@needs_latex
def test_marked_numbers_stand_on_the_decimal_point_of_the_others(tmp_path: Path) -> None:
    numbers = [
        Number("51.3", "3.3"),
        Number("9.3", "12.4", "tie"),
        Number("62.1", "1.1", "best"),
        Number("8.8", "1.0", "second"),
        Number("5.5", "1.2", "tie"),
        Number("48.7", "10.9", "second"),
        Number("7.7", "", "second"),
        Number("6.6"),
        Number(),
    ]
    compile_latex(tmp_path, one_metric(numbers))
    boxes = subprocess.run(
        ["pdftotext", "-bbox", "page.pdf", "-"], cwd=tmp_path, capture_output=True, text=True
    ).stdout
    words = re.findall(r'xMin="([\d.]+)".*>([\d.]+)</word>', boxes)
    left = {mean: float(x) for x, mean in words}
    tens = [left["51.3"], left["48.7"]]
    units = [left["9.3"], left["8.8"], left["5.5"], left["7.7"], left["6.6"]]
    assert max(tens) - min(tens) < 0.1
    assert max(units) - min(units) < 0.1
    assert units[0] - tens[0] == pytest.approx(4.98, abs=0.05)  # a digit's width at 10 pt
    assert 0 < tens[0] - left["62.1"] < 3  # bold is wider, to the left
    assert "–" in boxes


def test_the_mark_of_a_tie_stands_by_its_number() -> None:
    text = one_metric([Number("51.3", "12.4", "tie"), Number("9.3", "1.1", "tie")])
    assert r"51.3\crossrespm{12.4}\crossrestie" in text
    # The room for another digit comes behind the mark.
    assert r"9.3\rlap{\crossrespm{1.1}\crossrestie}\phantom{\crossrespm{0.00}}" in text


@needs_latex
def test_a_table_that_is_too_wide_is_shrunk_to_the_line(recorder, tmp_path: Path) -> None:
    records = [recorder(TABLE, 0, dataset, seed) for dataset in TABLE.datasets for seed in (0, 1)]
    grids = build_grids(records, TABLE)
    text = to_latex(grids, panel_size=len(TABLE.datasets))
    assert text.count(r"\cmidrule") == len(TABLE.datasets)
    assert text.count("Rank-5 & ") == len(TABLE.datasets)
    log, page = compile_latex(tmp_path, text)
    assert overfull(log) == []
    assert "MLR-SYSU" in page
    assert to_latex(grids, panel_size=1).count("\nMethod & ") == len(TABLE.datasets)


@needs_latex
def test_the_files_of_a_report_are_set_as_the_page_of_the_docs_says(drawn, tmp_path: Path) -> None:
    shutil.copytree(drawn.folder / "records", tmp_path / "results" / "records")
    write_report(tmp_path / "results")
    docs = Path(__file__).parents[3] / "docs" / "latex.md"
    (example,) = re.findall(r"```latex\n(.*?)```", docs.read_text(encoding="utf-8"), re.S)
    (tmp_path / "page.tex").write_text(example, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    for _ in range(2):  # the second time for the references
        process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stdout[-2000:]
    log = (tmp_path / "page.log").read_text(encoding="utf-8", errors="replace")
    assert overfull(log) == []
    assert "undefined" not in log
    assert len(re.findall(r"<use results/report/figures/", log)) == 2


@pytest.mark.parametrize(
    ("plain", "latex"),
    [
        ("50%", r"50\%"),
        ("a_b & c#d", r"a\_b \& c\#d"),
        (r"\x{y}", r"\textbackslash{}x\{y\}"),
        ("~^$", r"\textasciitilde{}\textasciicircum{}\$"),
        ("CMSR² ± 1 − 2", r"CMSR\textsuperscript{2} $\pm$ 1 $-$ 2"),
    ],
)
def test_special_signs_are_escaped(plain: str, latex: str) -> None:
    assert escape(plain) == latex


def marked(text: str) -> list[int]:
    """How many numbers are best, second and tied."""
    body = text.partition(r"\begin{tabular}")[2].partition(r"\crossresnotes")[0]
    return [body.count(sign) for sign in (r"\crossresbest{", r"\underline{", r"\crossrestie")]


def test_measured_and_published_stand_in_one_tabular_with_their_own_marks(real) -> None:
    (grid,) = build_grids(real, TABLE)
    text = to_latex([grid])
    assert text.count(r"\begin{tabular}") == 1
    _, text = text.split(r"\crossrescaption{table2-real-paper}")
    sections = re.split(r"\\textit\{(Measured|Published)\}", text)
    assert sections[1::2] == ["Measured", "Published"] * 2  # panels
    marks = [
        grid.score(row, column, metric).mark
        for row in range(3)
        for column in grid.shown
        for metric in TABLE.metrics
    ]
    measured, published = ("".join(sections[start::4]) for start in (2, 4))
    counted = [measured.count(s) for s in (r"\crossresbest{", r"\underline{", r"\crossrestie")]
    assert counted == [marks.count("best"), marks.count("second"), marks.count("tie")]
    assert marks.count("best") > 0 < marks.count("tie")
    assert published.count(r"\crossresbest{") == 10  # of five sets, rank-1 and rank-5
    assert r"\crossresbest{92.4}" in published
    assert published.count(r"\crossrespm") == published.count(r"\phantom{\crossrespm")
    assert r"MR\textsuperscript{2}L" in published
    lines = [line for line in text.splitlines() if line.startswith(r"\crossreslabel{Baseline}")]
    assert [line.count("&") for line in lines] == [9, 9, 6, 6]


@pytest.mark.parametrize("style", list(STYLES))
@pytest.mark.parametrize(("source", "profile"), [("twin:quick:1", "paper"), ("real", "quick")])
def test_published_numbers_stand_only_where_they_may(
    recorder, source: str, profile: str, style: str
) -> None:
    records = [
        rated(recorder(TABLE, row, "mlr-viper", seed, source, profile), {2: 0.5, 3: 0.4})
        for row in range(3)
        for seed in (0, 1)
    ]
    text = to_latex(build_grids(records, TABLE), style=style)
    assert "Published" not in text
    assert "60.3" not in text  # of the full method
    has_twins = source != "real"
    assert text.count("TWIN DATA: drawn") == text.count(r"\textbf{Twin data.}") == has_twins
    assert (r"\textit{on twins}" in text) == has_twins


def test_no_published_block_without_published_values(recorder) -> None:
    record = recorder(TABLE, 0, "mlr-pku", 0, "real")
    text = to_latex(build_grids([record], TABLE))
    assert "Published" not in text
    assert "real data" in text
    assert marked(text) == [0, 0, 0]
    assert r"\crossrespm{" not in text.partition(r"\begin{tabular}")[2]


def test_marks_are_explained_where_there_are_any(drawn, recorder) -> None:
    text = to_latex(build_grids(drawn.records, drawn.table))
    best, second, tied = marked(text)
    assert best > 0 < tied
    assert ("bold, best" in text.lower(), "underlined, second" in text) == (best > 0, second > 0)
    assert "not distinguished from the highest mean" in text
    one = to_latex(build_grids([recorder(TABLE, row, "caviar", 0) for row in range(3)], TABLE))
    for word in ("bold", "underlined", "distinguished", "paired test"):
        assert word not in one.lower()
    assert "Of 1 seed (0)" in one
    assert "--: not measured." not in one
    assert "6 of 9 cells have not been run" in one


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("table1", ["Grade, closeness", "Rate: given"]),
        ("table2", []),
        ("test-time", ["Grade, closeness", "\\dag"]),
    ],
)
def test_heads_and_signs_are_explained_where_they_occur(
    recorder, table: str, words: list[str]
) -> None:
    chosen = load_table(table)
    records = [recorder(chosen, row, "caviar", 0) for row in range(len(chosen.rows))]
    text = to_latex(build_grids(records, chosen)).partition(r"\crossresnotes{%")[2]
    for word in ("Grade, closeness", "Rate: given", "\\dag"):
        assert (word in text) == (word in words)


def test_the_compact_style_has_means_alone(drawn) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    full, compact = to_latex([grid]), to_latex([grid], style="compact")
    assert r"\crossrespm{" in full.partition(r"\begin{tabular}")[2]
    assert r"\crossrespm{" not in compact.partition(r"\begin{tabular}")[2]
    assert marked(compact) == marked(full)
    assert "Mean over 3 seeds (0, 1, 2)" in compact
    assert compact.count(r"\toprule") == compact.count("\nMethod & ") == 1  # one panel
    assert "R-1 & R-5 & mAP" in compact
    assert "R-k: rank-k." in compact
    assert r"\crossrescaption{table2-twin-quick-1-quick-compact}" in compact


def test_the_transposed_style_has_the_same_numbers_with_rows_side_by_side(real) -> None:
    (grid,) = build_grids(real, TABLE)
    number = re.compile(r"[\d.]+\\crossrespm\{[\d.]+")
    full, turned = (
        sorted(number.findall(to_latex([grid], style=style))) for style in ("full", "transposed")
    )
    assert full == turned
    text = to_latex([grid], style="transposed")
    start = r"\crossreslabel{CAVIAR} & Rank-1 & "
    (line, _) = [line for line in text.splitlines() if line.startswith(start)]
    means = [grid.score(row, grid.shown[0], "rank1").mean for row in range(3)]
    cells = line.removeprefix(start).split(" & ")
    assert [f"{100 * mean:.1f}" in c for mean, c in zip(means, cells, strict=True)] == [True] * 3
    assert r"\crossreslabel{CAVIAR} & Rank-1 & 50.4" in text  # published, no number of mAP
    assert text.count("mAP") == 1 + len(grid.shown)


@needs_latex
def test_transposed_transfers_are_a_matrix_for_each_row_on_one_page(tmp_path: Path) -> None:
    table = load_table("transfer")
    every = [*all_cells(make_record, table), *of_oracle(make_record, table)]
    (grid,) = build_grids(every, table)
    text = to_latex([grid], style="transposed")
    body = text.partition(r"\toprule")[2]
    head, *lines = [line for line in body.splitlines() if " & " in line]
    sets = ["CAVIAR", "MLR-Market-1501", "MLR-CUHK03", "MLR-VIPeR", "MLR-SYSU"]
    assert head == " & ".join([r"Training set \textit{on twins}", *sets]) + r" \\"
    assert len(lines) == len(sets) * len(grid.lines)
    for place, line in enumerate(lines):
        row, trained = grid.lines[place // len(sets)], sets[place % len(sets)]
        label, *cells = line.split(" & ")
        assert label == rf"\crossreslabel{{{trained}}}"
        for tested, cell in zip(sets, cells, strict=True):
            title = tested if tested == trained else f"{trained} → {tested}"
            (column,) = [column for column in grid.shown if column.title == title]
            mean = grid.score(row, column, "rank1").mean
            assert cell.startswith("--") if mean is None else f"{100 * mean:.1f}" in cell
    headings = re.findall(r"\\multicolumn\{6\}\{@\{\}l\}\{\\textit\{(.*)\}\} ", body)
    assert headings[:2] == [row.label for row in table.rows]
    # The protocol is that of the set that is tested, so no pair is named for it.
    (data,) = re.findall(r"Data: .*", text)
    assert r"protocols mlr-sing (CAVIAR, MLR-CUHK03, MLR-VIPeR and MLR-SYSU) and" in data
    assert r"\rightarrow" not in data
    plain = r"\documentclass[10pt]{article}\usepackage{booktabs,graphicx}\begin{document}"
    (tmp_path / "page.tex").write_text(plain + text + r"\end{document}", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    log = (tmp_path / "page.log").read_text(encoding="utf-8", errors="replace")
    assert "too large" not in log
    assert overfull(log) == []


def test_transfers_of_many_rows_stay_as_they_are_in_other_tables() -> None:
    table = load_table("transfer")
    rows = tuple(replace(table.rows[0], label=f"Row {k}") for k in range(9))
    many = replace(table, rows=rows, oracle=None)
    text = to_latex(build_grids(all_cells(make_record, many), many), style="transposed")
    assert r"Data set \textit{on twins} & Metric & \crossreshead{Row 0}" in text


def test_notes_by_rate_are_of_the_sets_that_are_there() -> None:
    without_rates = [make_record(TABLE, row, "mlr-cuhk03", 0) for row in range(2)]
    caviar = [make_record(TABLE, 0, "caviar", seed) for seed in range(3)]
    (grid,) = build_grids([*rated_records(), *caviar, *without_rates], TABLE)
    assert "MLR-CUHK03" in to_latex([grid])
    text = to_latex([grid], style="by-rate")
    assert "CAVIAR" not in text
    assert "MLR-CUHK03" not in text
    assert "protocols mlr-perid (MLR-Market-1501) and mlr-sing (MLR-VIPeR)." in text
    assert "have not been run" in to_latex([grid])
    assert "have not been run" not in text


def test_notes_name_grades_and_changes_in_short() -> None:
    table = load_table("table1")
    records = [
        record
        for row in range(len(table.rows))
        for seed in range(2)
        for record in [make_record(table, row, "mlr-market", seed)]
    ]
    (grid,) = build_grids(records, table)
    full, compact = to_latex([grid]), to_latex([grid], style="compact")
    assert (
        "Grade, closeness to the paper: reading, our reading; structure, faithful structure."
        in full
    )
    assert "{*} With quick's networks, head or losses." in full
    grades = (
        "Grades: faithful structure, SING, CSR-GAN, CAD-Net and MSIFLA; our reading, the others."
    )
    assert grades in compact
    assert (
        "Profile quick changes the networks, head or losses of all rows but JUDEA and SDF."
        in compact
    )


def test_the_style_by_rate_has_the_numbers_of_each_rate() -> None:
    (grid,) = build_grids(rated_records(), TABLE)
    text = to_latex([grid], style="by-rate")
    assert r"\multicolumn{3}{c}{Rank-1 at rate} & \multicolumn{3}{c}{mAP at rate}" in text
    assert r"\textit{on twins} & 2 & 3 & 4 & 2 & 3 & 4 & 2" in text
    assert r"\crossreslabel{Baseline} & 61.0 & 51.0 & 41.0 & 30.5 & 25.5 & 20.5 & 61.0" in text
    assert "by the down-sampling rate of the queries" in text
    assert marked(text) == [0, 0, 0]


def test_a_grid_without_rates_has_no_style_by_rate(drawn) -> None:
    assert to_latex(build_grids(drawn.records, drawn.table), style="by-rate") == ""


@needs_latex
def test_a_table_that_a_page_has_no_room_for_has_several_floats(tmp_path: Path) -> None:
    table = replace(load_table("ablations"), datasets=TABLE.datasets)
    records = all_cells(make_record, table)
    text = to_latex(build_grids(records, table))
    assert text.count(r"\begin{table*}") == text.count(r"\textbf{Twin data.}") == 3
    labels = re.findall(r"\\crossrescaption\{(ablations[^}]*)\}", text)
    assert labels == [f"ablations-twin-quick-1-quick{part}" for part in ("", "-2", "-3")]
    log, page = compile_latex(tmp_path, NO_SHRINKING + text)
    assert overfull(log) == []
    assert "part 2 of 3." in page
    assert all(CARDS[id].title in page for name in table.datasets for id in set_ids(name))


def documents() -> list[str]:
    """The documents that papers are: an article in one and in two columns, and IEEE's."""
    article = DOCUMENT.partition(r"\begin{document}")[0]
    return [article % "10pt", article % "10pt,twocolumn", IEEE]


@needs_latex
@pytest.mark.parametrize("document", documents(), ids=["article", "twocolumn", "ieee"])
def test_every_table_in_every_style_is_set_without_a_warning(
    floats, tmp_path: Path, document: str
) -> None:
    if "IEEEtran" in document and not (has_file("IEEEtran.cls") and has_file("ptmr7t.tfm")):
        assert not os.environ.get("CI"), "`nox -s tests` installs IEEEtran and its Times"
        pytest.skip("no IEEEtran with its Times here")
    assert all(r"\begin{tabular}" in text for text in floats.values())
    body = LITTLE_SHRINKING + "".join(f"{text}\\clearpage\n" for text in floats.values())
    (tmp_path / "page.tex").write_text(
        document + r"\begin{document}" + body + r"\end{document}", encoding="utf-8"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    log = (tmp_path / "page.log").read_text(encoding="utf-8", errors="replace")
    assert process.returncode == 0, log[-2000:]
    assert overfull(log) == []
    assert re.findall(r".*Warning: (?!Label\(s\) may have changed).*|Underfull.*", log) == []


@needs_latex
def test_published_numbers_are_set_in_every_style_without_a_warning(real, tmp_path: Path) -> None:
    grids = build_grids([rated(record, {2: 0.6, 3: 0.5}) for record in real], TABLE)
    log, text = compile_latex(
        tmp_path, "\n".join(NO_SHRINKING + to_latex(grids, style=style) for style in STYLES)
    )
    assert overfull(log) == []
    assert text.count("Published: paper Table 2") == 3


@needs_latex
def test_what_papers_print_is_a_table_of_its_own(tmp_path: Path) -> None:
    tables = [table for table in built_in_tables() if table.published]
    text = "".join(map(published_to_latex, tables))
    log, page = compile_latex(tmp_path, NO_SHRINKING + text)
    assert overfull(log) == []
    assert page.count("no number of this table was measured here") == len(tables) > 1
    alone = published_to_latex(TABLE)
    assert r"\crossrescaption{table2-published}" in alone
    assert r"\crossresbest{92.4}" in alone
    assert "mAP" not in alone  # of which the paper prints none
    assert "98." not in alone  # of the oracle
    assert published_to_latex(replace(TABLE, published=())) == ""


def test_it_is_written_where_it_is_asked_for(drawn, tmp_path: Path, capsys) -> None:
    shutil.copytree(drawn.folder / "records", tmp_path / "records")
    file = tmp_path / "report" / "table2.published.tex"
    assert run(["report", str(tmp_path), "--published"]) == 0
    assert f"wrote {file}" in capsys.readouterr().out.replace("\n", "")
    assert "TWIN" not in file.read_text(encoding="utf-8")
    assert run(["report", str(tmp_path)]) == 0
    assert not file.exists()


@needs_latex
def test_a_paper_may_say_it_in_its_own_words(drawn, tmp_path: Path) -> None:
    own = (
        r"\newcommand{\crossrescaption}[3]{\caption{Our words, for #1}\label{tab:#1}}"
        r"\newcommand{\crossresnotes}[1]{\par Drawn data.}"
    )
    _, text = compile_latex(tmp_path, own + to_latex(build_grids(drawn.records, drawn.table)))
    assert "Our words, for table2-twin-quick-1-quick" in text
    assert "Drawn data." in text
    assert "on twins" in text
    assert "Variants of MSIFLA" not in text


def test_a_label_without_latex_is_escaped(recorder) -> None:
    table = replace(TABLE, rows=(Row("50% & more", "msifla", TABLE.rows[0].options),))
    text = to_latex(build_grids([recorder(TABLE, 0, "caviar", 0)], table))
    assert LABEL % r"50\% \& more" in text
