"""LaTeX: every sign arrives, and a real pdflatex sets the tables inside the width of a journal."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark import Record, Row, Table, built_in_tables, load_table
from crossres.datasets import digest_of
from crossres.datasets.cards import CARDS
from crossres.datasets.protocols import canonical_text
from crossres.reports import build_grids, to_latex
from crossres.reports.tables.latex import escape
from crossres.reports.tables.latex_tabular import MACROS, Number, TabularBlock, TabularLine, tabular
from crossres.reports.write import write_report

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


def has_latex() -> bool:
    """Whether there is a LaTeX with booktabs."""
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich") and shutil.which("pdftotext")):
        return False
    return subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True).returncode == 0


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
    measured, _, published = text.rpartition("Published")
    assert "92.4" in published
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
                else [*table.protocols] or [CARDS[dataset].protocol]
            ):
                for seed in (0, 1):
                    record = recorder(table, index, dataset, seed)
                    cell = replace(record.cell, protocol=canonical_text(dataset, protocol))
                    key = digest_of(f"{record.key} {protocol}".encode())[:20]
                    records.append(replace(record, key=key, cell=cell))
    return records


@needs_latex
@pytest.mark.parametrize("options", ["10pt", "10pt,twocolumn"])
def test_every_table_fits_the_page_without_shrinking(
    recorder, tmp_path: Path, options: str
) -> None:
    tables = built_in_tables()
    floats = []
    for table in tables:
        grids = build_grids([*all_cells(recorder, table), *of_oracle(recorder, table)], table)
        assert len(grids[0].shown) == len(table.datasets) * max(1, len(table.protocols))
        floats.append(to_latex(grids) + r"\clearpage")
    log, page = compile_latex(tmp_path, NO_SHRINKING + "\n".join(floats), options)
    assert overfull(log) == []
    numbers = sorted(map(int, re.findall(r"Table (\d+):", page)))
    assert numbers == [*range(1, len(tables) + 1)]


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
    return MACROS + tabular(
        TabularBlock((("Row", ""),), ("A data set with a long name",), ("mAP",), lines)
    )


@needs_latex
def test_marked_numbers_stand_on_the_decimal_point_of_the_others(tmp_path: Path) -> None:
    numbers = [
        Number("51.3", "3.3"),
        Number("9.3", "12.4", "tie"),
        Number("62.1", "1.1", "best"),
        Number("8.8", "1.0", "second"),
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
    units = [left["9.3"], left["8.8"], left["7.7"], left["6.6"]]
    assert max(tens) - min(tens) < 0.1
    assert max(units) - min(units) < 0.1
    assert units[0] - tens[0] == pytest.approx(4.98, abs=0.05)  # a digit's width at 10 pt
    assert 0 < tens[0] - left["62.1"] < 3  # bold is wider, to the left
    assert "–" in boxes


@needs_latex
def test_a_table_that_is_too_wide_is_shrunk_to_the_line(recorder, tmp_path: Path) -> None:
    records = [recorder(TABLE, 0, dataset, seed) for dataset in TABLE.datasets for seed in (0, 1)]
    grids = build_grids(records, TABLE)
    text = to_latex(grids, panel_size=len(TABLE.datasets))
    assert text.count(r"\cmidrule") == len(TABLE.datasets)
    assert text.count("Rank-5") == len(TABLE.datasets)
    log, page = compile_latex(tmp_path, text)
    assert overfull(log) == []
    assert "MLR-SYSU" in page
    assert to_latex(grids, panel_size=1).count(r"\textit{Measured}") == len(TABLE.datasets)


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


def test_measured_and_published_are_two_tabulars_with_their_own_marks(real) -> None:
    text = to_latex(build_grids(real, TABLE))
    measured, published = text.split(r"\par\medskip")
    _, measured = measured.split(r"\label{tab:table2-real-paper}")
    assert measured.count(r"\begin{tabular}") == published.count(r"\begin{tabular}") == 1
    (grid,) = build_grids(real, TABLE)
    marks = [
        grid.score(row, column, metric).mark
        for row in range(3)
        for column in grid.shown
        for metric in TABLE.metrics
    ]
    assert measured.count(r"\crossresbest{") == marks.count("best")
    assert measured.count(r"\underline{") == marks.count("second")
    assert measured.count(r"\crossrestie") == marks.count("tie")
    assert marks.count("best") > 0 < marks.count("tie")
    assert r"\crossresbest" not in published
    assert r"\crossrespm" not in published
    assert r"MR\textsuperscript{2}L" in measured


def test_no_published_block_without_published_values(recorder) -> None:
    record = recorder(TABLE, 0, "mlr-pku", 0, "real")
    text = to_latex(build_grids([record], TABLE))
    assert "Published" not in text
    assert "real data" in text
    table = text.split(r"\label")[1]
    assert r"\crossresbest" not in table
    assert r"\crossrespm" not in table


def test_a_label_without_latex_is_escaped(recorder) -> None:
    table = replace(TABLE, rows=(Row("50% & more", "msifla", TABLE.rows[0].options),))
    text = to_latex(build_grids([recorder(TABLE, 0, "caviar", 0)], table))
    assert LABEL % r"50\% \& more" in text
