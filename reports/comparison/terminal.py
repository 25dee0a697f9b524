"""A comparison in the terminal."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from crossres.benchmark.compare.comparison import SAMENESS, ChangeTally, Gap, Measure
from crossres.benchmark.compare.evaluations import FLIPS
from crossres.benchmark.compare.folders import FolderComparison
from crossres.datasets.base.words import counted
from crossres.reports.comparison.queries import PairQueries
from crossres.reports.comparison.sentence import change_words, verdict
from crossres.reports.comparison.words import (
    cautions_of,
    gallery_caution,
    last_runs_of,
    ratio_words,
    tallies_of,
    verdict_words,
)
from crossres.reports.page.gallery import rate_words
from crossres.reports.page.query_browser import GALLERY
from crossres.reports.wording import interval_text, metric_title, p_text, percent, points

STYLES = {"better": "bold green", "worse": "bold red", "not told": "yellow", "equal": "dim"}


def print_against(folders: FolderComparison, queries: PairQueries, console: Console) -> None:
    """Print the sentence, what differs in the cells, each row that is not equal, and its flips."""
    comparison = folders.comparison
    for caution in cautions_of(folders):
        console.print(caution, style="bold yellow", markup=False)
    console.print(f"A = {folders.a}, B = {folders.b}", style="dim", markup=False, highlight=False)
    for line in last_runs_of(folders):
        console.print(line, style="dim", markup=False, highlight=False)
    console.print(Text(verdict(folders.comparison), style="bold"))
    for title, pairs in (
        ("Cells of the same key", comparison.same_key),
        ("Cells of one row, run differently", comparison.other_key),
    ):
        if tallies := tallies_of(pairs):
            console.print(_tally_table(title, tallies))
    for measure in comparison.measures:
        differing = [gap for gap in comparison.overall(measure) if gap.verdict != "equal"]
        if differing:
            console.print(_gap_table(folders, measure, differing))
    if queries.rows:
        console.print(_flip_table(queries))
        if caution := gallery_caution(comparison.measures, GALLERY):
            console.print(caution, style="dim", markup=False, highlight=False)
    for remark in queries.remarks:
        console.print(f"{remark[:1].upper()}{remark[1:]}.", style="yellow", markup=False)
    for cost in (cost for cost in comparison.costs[:1] if cost.pairs):
        console.print(
            f"B / A, median of {counted(cost.pairs, 'pair')}: time {ratio_words(cost.seconds)}, "
            f"memory {ratio_words(cost.memory)}",
            markup=False,
            highlight=False,
        )


def _flip_table(queries: PairQueries) -> RichTable:
    words = [flip.replace("_", " ") for flip in FLIPS]
    table = _table(f"Queries, right at rank 1 of the {GALLERY} gallery", ("Row", "Rate"), words)
    for row in queries.rows:
        for flips in queries.over_sets(row):
            rate = "all" if flips.rate is None else rate_words(flips.rate)
            table.add_row(Text(row), rate, *map(str, flips.counts.values()))
    return table


def _tally_table(title: str, tallies: Iterable[ChangeTally]) -> RichTable:
    table = _table(title, ("What differs", "A", "B"), ("Cells", *SAMENESS))
    for change in tallies:
        a, b = (change.change.a, change.change.b) if change.change else ("", "")
        counts = (change.cells, change.bit_equal, change.same_metrics, change.other_metrics)
        table.add_row(*(Text(t) for t in (change_words(change.change), a, b, *map(str, counts))))
    return table


def _gap_table(folders: FolderComparison, measure: Measure, gaps: Sequence[Gap]) -> RichTable:
    equal = len(folders.comparison.overall(measure)) - len(gaps)
    table = _table(
        f"{metric_title(measure[1])}, {measure[0]} gallery", ("Row",),
        ("A", "B", "B − A", "95 %", "p", "B is"),
    )  # fmt: skip
    table.caption = f"{counted(equal, 'more row')} equal" if equal else None
    for gap in gaps:
        difference = gap.difference
        bounds = interval_text(difference.low, difference.high)
        numbers = (percent(gap.a), percent(gap.b), points(difference.effect), bounds)
        texts = (Text(text) for text in (gap.row or "", *numbers, p_text(gap.p)))
        table.add_row(*texts, Text(verdict_words(gap.verdict), style=STYLES[gap.verdict]))
    return table


def _table(title: str, names: Iterable[str], numbers: Iterable[str]) -> RichTable:
    table = RichTable(title=title, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)  # names give way
    return table
