"""What is said of numbers, and beside what they may stand, in every rendering and from records."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from crossres.benchmark import Record, load_table
from crossres.benchmark.config.claims import load_claims
from crossres.benchmark.records.record import Standing, read_records, write_record
from crossres.reports import build_grids
from crossres.reports.claims import evaluate_claims, grids_of
from crossres.reports.grid.standing import TWIN, UNVERIFIED, cautions
from crossres.reports.page.commands import cell_command
from crossres.reports.write import print_table, write_report

Recorder = Callable[..., Record]
TABLE = load_table("table2")
COUNTS = ("12 of 1,501 identities", "72 of 36,036 images")
SIZES = ("632 of 1,264 images are not 48 × 128 pixels",)
PARTIAL = (
    "PARTIAL DATA: MLR-Market-1501 with 12 of 1,501 identities, 72 of 36,036 images; "
    "never comparable with published numbers."
)
SMOKE = "smoke: a test of the machinery, these numbers mean nothing."


def partial(
    recorder: Recorder, profile: str = "paper", dataset: str = "mlr-market"
) -> list[Record]:
    """Partial data, under the profile of the paper's size."""
    stated = {"mlr-market": (COUNTS, ()), "mlr-viper": ((), SIZES)}[dataset]
    records = [
        recorder(TABLE, row, dataset, seed, "partial", profile)
        for row in range(3)
        for seed in range(2)
    ]
    return [
        replace(
            record, standing=replace(record.standing, other_counts=stated[0], other_sizes=stated[1])
        )
        for record in records
    ]


def test_partial_data_says_so_in_every_rendering(recorder: Recorder, tmp_path: Path) -> None:
    for record in partial(recorder, "smoke"):
        write_record(tmp_path, record)
    write_report(tmp_path)
    report = tmp_path / "report"
    html = (report / "index.html").read_text(encoding="utf-8")
    title = "Variants of MSIFLA (partial data: MLR-Market-1501, 12 of 1,501 identities)"
    assert f"<h1>{title}</h1>" in html
    assert f"<title>{title} – crossres (partial data, smoke)</title>" in html
    assert html.count('class="banner twin"') == 2  # of the head, the only one
    assert 'class="banner real"' not in html
    assert "Real data" not in html
    assert "Δ" not in html
    assert 'id="claims"' not in html
    for text in (html.replace("</strong>", ""), (report / "table2.md").read_text("utf-8")):
        assert PARTIAL in text
        assert SMOKE in text
        assert "MLR-Market-1501, partial" in text
    assert 'class="num published"' not in html.split(">What papers print<")[0]
    assert "published" not in (report / "table2.md").read_text("utf-8").split("| --- |")[1]
    tex = (report / "table2.tex").read_text("utf-8")
    assert rf"\textbf{{{PARTIAL}}}" in tex
    assert rf"\textbf{{{SMOKE}}}" in tex
    assert r"\textit{on partial data}" in tex
    assert "Published:" not in tex
    lines = list(csv.DictReader(io.StringIO((report / "table2.csv").read_text("utf-8"))))
    assert {line["caution"] for line in lines} == {f"{PARTIAL} {SMOKE}"}
    assert {line["published"] for line in lines} == {""}
    screen = Console(file=io.StringIO(), width=200)
    print_table(tmp_path, console=screen)
    printed = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "12 of 1,501 identities" in printed
    assert SMOKE in printed


def test_the_whole_real_data_at_the_papers_size_alone_stands_beside_published_numbers(
    recorder: Recorder,
) -> None:
    def published(record: Record) -> bool:
        (grid,) = build_grids([record], TABLE)
        return grid.score(0, grid.shown[0], "rank1").published is not None

    paper = recorder(TABLE, 0, "mlr-market", 0, "real", "paper")
    assert published(paper)
    assert not published(replace(paper, standing=None))  # of an older version: nobody compared
    assert not published(recorder(TABLE, 0, "mlr-market", 0, "real", "quick"))
    assert not published(recorder(TABLE, 0, "mlr-market", 0, "twin:full:1", "paper"))
    assert not published(partial(recorder)[0])
    assert cautions([paper]) == ()
    assert cautions([replace(paper, standing=None)]) == (UNVERIFIED,)


@pytest.mark.parametrize("source", ["partial", "unverified", "real", "twin:quick:1"])
def test_claims_are_about_the_whole_data(recorder: Recorder, source: str) -> None:
    raw_source = "real" if source == "unverified" else source
    records = [
        recorder(TABLE, row, "caviar", seed, raw_source) for row in range(3) for seed in range(3)
    ]
    if source == "unverified":
        records = [replace(record, standing=None) for record in records]
    claims = load_claims()
    tables_of_claims = evaluate_claims(grids_of(claims, records), claims)
    assert bool(tables_of_claims) == (source in ("real", "twin:quick:1"))
    assert [table.cautions for table in tables_of_claims] == {
        "real": [()],
        "twin:quick:1": [(TWIN,)],
    }.get(source, [])


def test_each_cell_is_run_again_with_what_admits_its_data(recorder: Recorder) -> None:
    for dataset, option in (("mlr-market", " --partial"), ("mlr-viper", " --other-sizes")):
        (record, *_) = partial(recorder, dataset=dataset)
        (grid,) = build_grids([record], TABLE)
        assert f"--data ROOT{option} --rows" in cell_command(grid, 0, record)


def test_copies_that_differ_are_all_named(recorder: Recorder) -> None:
    (first, second, *_) = partial(recorder)
    fewer = replace(first.standing, other_counts=("9 of 1,501 identities",))  # type: ignore[type-var]
    (caution,) = cautions(
        [first, replace(second, standing=fewer), *partial(recorder, dataset="mlr-viper")]
    )
    assert (
        "72 of 36,036 images, or a copy with 9 of 1,501 identities; MLR-VIPeR with 632 of"
        in caution
    )


def test_a_record_keeps_its_standing(recorder: Recorder, tmp_path: Path) -> None:
    record = partial(recorder)[0]
    old = replace(recorder(TABLE, 0, "caviar", 0), standing=None)
    for entry in (record, old):
        write_record(tmp_path, entry)
    assert {entry.key: entry.standing for entry in read_records(tmp_path)} == {
        record.key: Standing(COUNTS, (), paper_size=True),
        old.key: None,
    }
