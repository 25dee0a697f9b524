"""One table whose every text is markup of something, from its run to all that shows it.

The texts are compared as real readers of each format give them back.
"""

import csv
import io
import re
import shutil
import subprocess
import unicodedata
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from crossres import main
from crossres.benchmark import load_table
from crossres.benchmark.records.record import read_records
from crossres.datasets.base.errors import InputError
from crossres.reports import build_grids, to_latex
from crossres.reports.tables.latex import STYLES
from crossres.reports.tables.latex_text import escape
from crossres.reports.write import print_table
from tests.reports.visit import Visit

LABELS = (
    "[12] PCB",
    "_ours, λ = 0.1 $x_1$ 50%",
    r"* a--b \textbf{&} #1 ~^ {} ''t''",
    "=A1 [red]<i>x</i> \"q\" 'x'|`é ß Łó",
    "-字 &amp; %s {0} ${7*7}$",
)
TITLE = r"100% [bold]odd[/bold] <b>λ</b> $\alpha$ | _it_ {{ 7*7 }}"
CAPTION = r"- Caption: # [x](y) <script>alert(1)</script> & \input{x}, α ≤ β."
SOURCE = 'p. 1 " onmouseover="alert(1) [a] 50% λ'
OPTIONS = (
    "{}",
    "{ part_head = 'bnneck' }",
    "{ reid_lr = 0.0015 }",
    "{ reid_lr = 0.0025 }",
    "{ reid_lr = 0.0035 }",
)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of the table, run in profile smoke."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = [
        f"[[rows]]\nlabel = {quoted(label)}\npublished = {quoted(label)}\n"
        f'method = "plain"\noptions = {options}\n'
        for label, options in zip(LABELS, OPTIONS, strict=True)
    ]
    text = (
        f'id = "odd_table.1"\ntitle = {quoted(TITLE)}\ncaption = {quoted(CAPTION)}\n'
        'datasets = ["mlr-viper"]\nmetrics = ["rank1", "mAP"]\nseeds = [0, 1]\n'
        f'published = "numbers, as printed.csv"\n{"".join(rows)}'
    )
    (folder / "odd.toml").write_text(text, encoding="utf-8")
    with (folder / "numbers, as printed.csv").open("w", encoding="utf-8", newline="") as file:
        lines = [[label, "MLR-VIPeR", "rank1", "29.9", SOURCE] for label in LABELS]
        csv.writer(file).writerows([["row", "dataset", "metric", "value", "source"], *lines])
    out = folder / "results [1] & λ"
    command = ["run", str(folder / "odd.toml"), "--profile", "smoke", "--out", str(out)]
    assert main([*command, "--cache", str(folder / "cache"), "--jobs", "1"]) == 0
    assert len(read_records(out)) == 2 * len(LABELS)
    return out


@pytest.fixture(scope="module")
def report(results: Path) -> Path:
    return results / "report"


def test_the_folder_keeps_every_text(results: Path) -> None:
    table = load_table(results / "tables" / "odd_table.1.toml")
    assert (table.title, table.caption) == (TITLE, CAPTION)
    assert tuple(row.label for row in table.rows) == LABELS
    assert {number.source for number in table.published} == {SOURCE}


def test_the_csv_gives_every_label_back(report: Path) -> None:
    text = (report / "odd_table.1.csv").read_text(encoding="utf-8")
    labels = [line["row"] for line in csv.DictReader(io.StringIO(text))]
    assert {label.strip() for label in labels} == set(LABELS)
    assert not any(label.startswith(("=", "+", "-", "@")) for label in labels)


def test_the_markdown_shows_every_text(report: Path) -> None:
    text = (report / "odd_table.1.md").read_text(encoding="utf-8")
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    cells = [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", html)]
    assert set(LABELS) <= set(cells)
    assert unescape(re.findall(r"<h2>(.*?)</h2>", html)[0]) == TITLE
    assert CAPTION in unescape(html)
    assert not re.search(r"<(script|b|i|em|a|img|del|code|ul|ol)[ >]", html.split("<table>")[0])


def test_the_terminal_shows_every_label(results: Path) -> None:
    screen = Console(width=200, file=io.StringIO(), force_terminal=False)
    print_table(results, console=screen)
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert all(label in text for label in LABELS)
    assert TITLE in text


def test_the_page_shows_every_text(browser: Any, report: Path) -> None:
    visit = Visit(browser, (report / "index.html").as_uri(), 1200, "light")
    page = visit.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    labels = page.eval_on_selector_all(
        "table.results tr > th.row", "all => all.map(e => e.textContent.trim())"
    )
    assert set(LABELS) <= set(labels)
    assert page.locator("article h1").first.inner_text() == TITLE
    assert page.locator("article p.lead").first.inner_text() == CAPTION
    assert TITLE in page.title()
    titles = page.eval_on_selector_all("td.published[title]", "all => all.map(e => e.title)")
    assert set(titles) <= {SOURCE}
    assert page.evaluate("[...document.querySelectorAll('[onmouseover]')].length") == 0
    page.fill("#numbers-find", "[12]")
    assert page.locator("#all-numbers tbody tr:visible").count() == 1
    links = page.eval_on_selector_all(
        "a[href^='#']", "all => all.filter(a => !document.getElementById(a.hash.slice(1))).length"
    )
    assert (links, dialogs, visit.messages) == (0, [], [])


def normal(text: str) -> str:
    """Text without what typesetting changes: ligatures, quotes, blanks, the form of a hyphen.

    LaTeX draws "_" as a rule, and the stroke of Ł over an L, which are no text to a reader of PDF.
    """
    text = unicodedata.normalize("NFKC", text)
    for signs, plain in (
        ("‘’′", "'"),
        ("“”", '"'),
        ("−‐–", "-"),
        ("∗", "*"),
        ("˜∼", "~"),
        ("ˆ", "^"),
        ("Ł", "L"),
    ):
        text = re.sub(f"[{signs}]", plain, text)
    return re.sub(r"[\s_]", "", text).replace("''", '"').replace("\u0303", "~")


@pytest.fixture(scope="module")
def typeset(results: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of the compiled table in all styles."""
    if shutil.which("pdflatex") is None or shutil.which("pdftotext") is None:
        pytest.skip("needs pdflatex and pdftotext")
    folder = tmp_path_factory.mktemp("typeset")
    grids = build_grids(read_records(results), load_table(results / "tables" / "odd_table.1.toml"))
    every = "".join(to_latex(grids, style=style) for style in STYLES)
    (folder / "table.tex").write_text(every, encoding="utf-8")
    page = (
        r"\documentclass[10pt]{article}\usepackage[utf8]{inputenc}"
        r"\usepackage[textwidth=17cm]{geometry}\usepackage{booktabs,graphicx}"
        "\\begin{document}\n\\input{table}\n\\end{document}\n"
    )
    (folder / "page.tex").write_text(page, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    process = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert process.returncode == 0, process.stdout.decode(errors="replace")[-2000:]
    text = subprocess.run(["pdftotext", "-raw", "page.pdf", "-"], cwd=folder, capture_output=True)
    return normal(text.stdout.decode())


def test_latex_sets_every_text(typeset: str) -> None:
    for label in LABELS:
        assert normal(label.replace("字", "U+5B57")) in typeset
    for text in (TITLE, CAPTION):
        assert normal(text) in typeset


def test_the_figures_show_every_label(report: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext")
    figures = sorted((report / "figures").glob("*.pdf"))
    assert len(figures) == 3
    for figure in figures:
        process = subprocess.run(
            ["pdftotext", "-raw", figure, "-"], capture_output=True, check=True
        )
        text = re.sub(r"\s", "", process.stdout.decode())
        for label in LABELS[:4]:
            assert re.sub(r"\s", "", label) in text
        assert "row5" in text  # the font has no sign for it


@pytest.mark.parametrize(
    ("plain", "latex"),
    [
        ("[12] PCB", "{[}12{]} PCB"),
        ("λ = 0.1", r"$\lambda$ = 0.1"),
        ("* a", "{*} a"),
        ("a--b---c", "a-{}-b-{}-{}-c"),
        ("naïve Ångström Łódź", r"na\"{\i}ve \r{A}ngstr\"{o}m \L{}\'{o}d\'{z}"),
        ("x̂ ế 字", r"\^{x} \texttt{U+1EBF} \texttt{U+5B57}"),
        ("``a''", r"\textasciigrave{}\textasciigrave{}a'{}'"),
    ],
)
def test_signs_that_latex_reads_otherwise(plain: str, latex: str) -> None:
    assert escape(plain) == latex


def test_every_sign_of_the_data_is_set_by_latex(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex")
    from crossres.reports.tables.latex_text import MARKS, SIGNS

    letters = [f"{letter}{mark}" for mark in MARKS for letter in "aciouzCEO"]
    lines = "\n\n".join(escape(sign) for sign in [*SIGNS, *letters])
    page = "\\documentclass{article}\\usepackage[utf8]{inputenc}\\begin{document}\n"
    (tmp_path / "a.tex").write_text(f"{page}{lines}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert process.returncode == 0, process.stdout.decode(errors="replace")[-1500:]
    assert "Missing character" not in (tmp_path / "a.log").read_text(errors="replace")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (r'label = "a\u001b[31mb"', "row 1: label holds the control character U+001B"),
        (r'label = "a\u202eb"', "row 1: label holds the control character U+202E"),
        (r'label = "a\u0000b"', "row 1: label holds the control character U+0000"),
        ('label = " "', "row 1: label has 0 characters; give from 1 to 200"),
        (f'label = "{"x" * 201}"', "row 1: label has 201 characters; give from 1 to 200"),
    ],
)
def test_texts_that_control_a_terminal_are_refused(entry: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(
        'id = "t"\ndatasets = ["mlr-viper"]\nmetrics = ["rank1"]\nseeds = [0]\n[[rows]]\n'
        f'method = "plain"\n{entry}\n'
    )
    with pytest.raises(InputError) as caught:
        load_table(tmp_path / "t.toml")
    assert reason in str(caught.value)
