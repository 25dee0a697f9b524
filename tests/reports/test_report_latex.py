"""LaTeX: every sign arrives, and a real pdflatex sets the tables inside the width of a journal."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark import Row, load_table
from reports import build_grids, to_latex
from reports.latex import escape

TABLE = load_table("table2")
DOCUMENT = r"""\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[textwidth=17cm,textheight=24cm]{geometry}
\usepackage{booktabs,graphicx}
\begin{document}
%s
\end{document}
"""
needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")


def compile_latex(folder: Path, body: str) -> tuple[str, str]:
    """Set `body` with pdflatex; returns the log and the text of the pages."""
    (folder / "page.tex").write_text(DOCUMENT % body, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    text = subprocess.run(
        ["pdftotext", "-layout", "page.pdf", "-"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return log, text.stdout


def overfull(log: str) -> list[float]:
    return [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]


@needs_latex
def test_table_2_is_set_without_error_inside_the_line(drawn, tmp_path: Path) -> None:
    (tmp_path / "table2.tex").write_text(
        to_latex(build_grids(drawn.records, drawn.table)), encoding="utf-8"
    )
    log, text = compile_latex(tmp_path, r"\input{table2}")
    assert not [points for points in overfull(log) if points > 2]
    assert "TWIN DATA" in text
    assert "MLR-Market-1501" in text
    assert "92.4" in text.split("Published")[1]
    assert "92.4" not in text.split("Published")[0]


@needs_latex
def test_wide_narrow_and_odd_tables_are_set_too(recorder, tmp_path: Path) -> None:
    odd = replace(
        TABLE,
        title='100% & more: {a_b}#^~\\ <x> | "q" ±2 × 3 − 1',
        rows=(replace(TABLE.rows[0], latex=None, label="A_1 & B² → 50%"), *TABLE.rows[1:]),
    )
    names = [*TABLE.datasets, "mlr-pku"]
    wide = [recorder(odd, row, d, 0) for row in range(3) for d in names]
    one = [recorder(odd, row, "caviar", seed, "real") for row in range(2) for seed in range(2)]
    log, text = compile_latex(tmp_path, to_latex(build_grids([*wide, *one], odd)))
    assert not [points for points in overfull(log) if points > 2]
    assert "100% & more: {a b}#" in text  # TeX draws the underscore as a rule
    assert "A 1 & B" in text
    assert text.count("TWIN DATA") == 1


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


def test_measured_and_published_are_two_tabulars_with_their_own_marks(drawn) -> None:
    text = to_latex(build_grids(drawn.records, drawn.table))
    measured, published = text.split(r"\par\medskip")
    assert measured.count(r"\begin{tabular}") == published.count(r"\begin{tabular}") == 1
    (grid,) = build_grids(drawn.records, drawn.table)
    marks = [
        grid.score(row, column, metric).mark
        for row in range(3)
        for column in grid.shown
        for metric in drawn.table.metrics
    ]
    assert measured.count(r"\textbf{") == marks.count("best") + 1  # and the banner
    assert measured.count(r"\underline{") == marks.count("second") + 1  # and the word
    assert measured.count(r"\textsuperscript{=}") == marks.count("tie") + 1
    assert marks.count("best") > 0 < marks.count("tie")
    assert r"\textbf" not in published
    assert r"\label{tab:table2-twin-quick-1-quick}" in text
    assert r"MR\textsuperscript{2}L" in measured


def test_no_published_block_without_published_values(recorder) -> None:
    record = recorder(TABLE, 0, "mlr-pku", 0, "real")
    text = to_latex(build_grids([record], TABLE))
    assert "Published" not in text
    assert "real data" in text
    assert r"\textbf" not in text


def test_a_label_without_latex_is_escaped(recorder) -> None:
    table = replace(TABLE, rows=(Row("50% & more", "msifla", TABLE.rows[0].options),))
    text = to_latex(build_grids([recorder(TABLE, 0, "caviar", 0)], table))
    assert r"50\% \& more & " in text
