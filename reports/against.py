"""Two results folders held against each other: for programs, for the terminal and as a page."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from benchmark.comparing import SAMENESS, Comparison, Cost, Gap, Measure, Tally, compare, tally
from benchmark.kept import naming_tables
from benchmark.matching import Pair, belonging
from benchmark.records import Record, read_records
from benchmark.sampling import FromArtifacts
from benchmark.tables import Table
from datasets.cards import CARDS
from datasets.errors import InputError
from datasets.files import write_atomically
from reports.figures import Tick, round_step
from reports.html import environment
from reports.parts import Parts, nothing
from reports.standing import cautions
from reports.verdict import change_words, few, verdict
from reports.words import (
    counted,
    metric_title,
    percent,
    seeds_words,
    signed,
    source_words,
)

WIDTH = 150.0
STYLES = {"better": "bold green", "worse": "bold red", "not told": "yellow", "equal": "dim"}


@dataclass(frozen=True)
class Against:
    """Folder B held against folder A, both by their own names, and the answer in a sentence."""

    a: str
    b: str
    comparison: Comparison
    verdict: str

    @property
    def cautions(self) -> tuple[str, ...]:
        """What must be said of the numbers that are compared."""
        return cautions(side for pair in self.comparison.pairs for side in (pair.a, pair.b))


def hold_against(a: Path, b: Path, tables: Sequence[Table] | None = None) -> Against:
    """Compare the records of folder B with those of A, by default all of them.

    `tables`: only what belongs to these, each folder under its own profiles; else rows are called
    as in the tables that the folders keep and the built-in ones. Raises InputError when a folder
    has no usable records, when the two are one, and when no cell has a counterpart.
    """
    if a.resolve() == b.resolve():
        raise InputError(f"{a} and {b} are the same folder; give another one to --against")
    mine, other = _records(a, tables), _records(b, tables)
    asked = naming_tables(a, b) if tables is None else tables
    found = compare(mine, other, asked, (FromArtifacts(a), FromArtifacts(b)))
    if not found.pairs:
        raise InputError(
            f"{a} and {b} have no cell in common: the one has {_held(mine)}, the other "
            f"{_held(other)}; compare runs of the same methods, data sets, protocols and seeds"
        )
    return Against(a.resolve().name, b.resolve().name, found, verdict(found))


def _records(folder: Path, tables: Sequence[Table] | None) -> list[Record]:
    found = read_records(folder)
    if not found:
        raise InputError(f"{folder / 'records'}: no usable records; run `crossres run`")
    chosen = found if tables is None else belonging(found, tables)
    if not chosen:
        raise InputError(
            f"{folder / 'records'}: none of its {len(found)} records belongs to the tables named; "
            "leave out --table, or name the table files they were run from"
        )
    return chosen


def _held(records: Iterable[Record]) -> str:
    """ "plain on mlr-viper (mlr-sing, real data)": what a folder is about, in short."""
    cells = [record.cell for record in records]
    methods = sorted({cell.method for cell in cells})
    places = {f"{c.dataset} ({c.protocol}, {source_words(c.source)})" for c in cells}
    return f"{few(methods, 'method')} on {few(sorted(places), 'data set')}"


# --- for programs ---------------------------------------------------------------------------------


def against_json(held: Against) -> dict[str, Any]:
    """The comparison as JSON values; metrics and differences are fractions, B minus A."""
    found = held.comparison
    return {
        "a": held.a,
        "b": held.b,
        "verdict": held.verdict,
        "copied": sum(pair.copied for pair in found.pairs),
        "same_key": _counts(found.same_key),
        "other_key": _counts(found.other_key),
        "only_a": [record.key for record in found.only_a],
        "only_b": [record.key for record in found.only_b],
        "changes_same_key": [_tally_json(one) for one in tally(found.same_key)],
        "changes_other_key": [_tally_json(one) for one in tally(found.other_key)],
        "gaps": [asdict(gap) for gap in found.gaps],
        "costs": [asdict(cost) for cost in found.costs],
        "pairs": [
            {
                "row": pair.row,
                "dataset": pair.a.cell.dataset,
                "protocol": pair.a.cell.protocol,
                "seed": pair.a.cell.seed,
                "a": pair.a.key,
                "b": pair.b.key,
                "sameness": pair.sameness,
            }
            for pair in found.pairs
        ],
    }


def _counts(pairs: Sequence[Pair]) -> dict[str, int]:
    return {one: sum(pair.sameness == one for pair in pairs) for one in SAMENESS}


def _tally_json(one: Tally) -> dict[str, Any]:
    return asdict(one) | {"cells": one.cells}


# --- words that page and terminal share -----------------------------------------------------------


def _tallies(pairs: Sequence[Pair]) -> list[Tally]:
    """What differs, unless nothing at all does."""
    if all(pair.sameness == "bit-equal" and not pair.changes for pair in pairs):
        return []
    return tally(pairs)


def set_title(dataset: str, protocol: str) -> str:
    """The data set as tables call it, with its protocol where that is not the default one."""
    card = CARDS.get(dataset)
    if card is None:
        return f"{dataset} ({protocol})"
    return card.title if protocol == card.protocol else f"{card.title} ({protocol})"


def interval(gap: Gap) -> str:
    """ "[+1.0, +5.2]" in points, nothing where there is none."""
    low, high = gap.difference.low, gap.difference.high
    if low is None or high is None:
        return ""
    return f"[{signed(100 * low)}, {signed(100 * high)}]"


def points(fraction: float) -> str:
    """A difference of fractions in points, with its sign."""
    return signed(100 * fraction)


def p_words(p: float | None) -> str:
    """A p-value with three decimals; a dash where there is none."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def ratio_words(ratio: float | None) -> str:
    """ "1.03 ×"."""
    return "–" if ratio is None else f"{ratio:.2f} ×"


def only_words(records: Iterable[Record]) -> list[str]:
    """Cells without a counterpart, one line per method, data set and protocol."""
    seeds: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for record in records:
        cell = record.cell
        seeds[cell.method, cell.dataset, cell.protocol, cell.source].add(cell.seed)
    return [
        f"{method} on {set_title(dataset, protocol)}, {source_words(source)}: "
        f"{seeds_words(sorted(mine))}"
        for (method, dataset, protocol, source), mine in sorted(seeds.items())
    ]


# --- terminal -------------------------------------------------------------------------------------


def print_against(held: Against, console: Console) -> None:
    """The sentence, what differs in the cells, and each row that is not equal."""
    found = held.comparison
    for caution in held.cautions:
        console.print(caution, style="bold yellow", markup=False)
    console.print(f"A = {held.a}, B = {held.b}", style="dim", markup=False, highlight=False)
    console.print(Text(held.verdict, style="bold"))
    for title, pairs in (
        ("Cells of the same key", found.same_key),
        ("Cells of one row, run otherwise", found.other_key),
    ):
        if tallies := _tallies(pairs):
            console.print(_tally_table(title, tallies))
    for measure in found.measures:
        differing = [gap for gap in found.overall(measure) if gap.verdict != "equal"]
        if differing:
            console.print(_gap_table(held, measure, differing))
    for cost in (cost for cost in found.costs[:1] if cost.pairs):
        console.print(
            f"B / A, median of {counted(cost.pairs, 'pair')}: time {ratio_words(cost.seconds)}, "
            f"memory {ratio_words(cost.memory)}",
            markup=False,
            highlight=False,
        )


def _tally_table(title: str, tallies: Iterable[Tally]) -> RichTable:
    table = _table(title, ("What differs", "A", "B"), ("Cells", *SAMENESS))
    for one in tallies:
        a, b = (one.change.a, one.change.b) if one.change else ("", "")
        counts = (one.cells, one.bit_equal, one.same_metrics, one.other_metrics)
        table.add_row(*(Text(t) for t in (change_words(one.change), a, b, *map(str, counts))))
    return table


def _gap_table(held: Against, measure: Measure, gaps: Sequence[Gap]) -> RichTable:
    equal = len(held.comparison.overall(measure)) - len(gaps)
    table = _table(
        f"{metric_title(measure[1])}, {measure[0]} gallery", ("Row",),
        ("A", "B", "B − A", "95 %", "p", "B is"),
    )  # fmt: skip
    table.caption = f"{counted(equal, 'more row')} equal" if equal else None
    for gap in gaps:
        numbers = (percent(gap.a), percent(gap.b), points(gap.difference.effect), interval(gap))
        texts = (Text(text) for text in (gap.row or "", *numbers, p_words(gap.p)))
        table.add_row(*texts, Text(gap.verdict, style=STYLES[gap.verdict]))
    return table


def _table(title: str, names: Iterable[str], numbers: Iterable[str]) -> RichTable:
    table = RichTable(title=title, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


# --- the page -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A gap, x of its effect and of its interval's ends on the scale of its measure."""

    gap: Gap
    x: float
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class Block:
    """One measure: the rows that are not equal over all data sets and on each; those that are."""

    measure: Measure
    zero: float
    ticks: tuple[Tick, ...]
    overall: tuple[Line, ...]
    by_set: tuple[tuple[str, tuple[Line, ...]], ...]
    equal: tuple[str, ...]


def write_against(results: Path, held: Against) -> Path:
    """Write report/against.html of results folder A; returns its path."""
    path = results / "report" / "against.html"
    write_atomically(path, to_page(held))
    return path


def to_page(held: Against) -> str:
    """The comparison as one self-contained HTML page."""
    found = held.comparison
    differing = any(gap.verdict != "equal" for gap in found.gaps)
    costs: dict[str | None, Cost] = {cost.row: cost for cost in found.costs}
    parts = Parts()
    drawn = [
        parts.draw(
            f"the drawing of {metric_title(measure[1])}", partial(_block, found, measure), nothing
        )
        for measure in (found.measures if differing else ())
    ]
    templates = environment()
    templates.filters.update(
        points=points,
        interval=interval,
        p_words=p_words,
        ratio=ratio_words,
        change=change_words,
        few=few,
        metric_title=metric_title,
        only=only_words,
    )
    return templates.get_template("against.html.j2").render(
        held=held,
        found=found,
        counts=_counts(found.same_key),
        same=_tallies(found.same_key),
        other=_tallies(found.other_key),
        blocks=[block for block in drawn if block is not None],
        not_drawn=parts.failed,
        costs=costs,
        width=WIDTH,
    )


def _block(found: Comparison, measure: Measure) -> Block:
    equal = [gap.row or "" for gap in found.overall(measure) if gap.verdict == "equal"]
    gaps = [
        gap for gap in found.gaps if (gap.gallery, gap.metric) == measure and gap.verdict != "equal"
    ]
    ends = [
        100 * value
        for gap in gaps
        for value in (gap.difference.effect, gap.difference.low, gap.difference.high)
        if value is not None
    ]
    least, most = min([0.0, *ends]) - 0.5, max([0.0, *ends]) + 0.5

    def along(fraction: float) -> float:
        return round(WIDTH * (100 * fraction - least) / (most - least), 1)

    def line(gap: Gap) -> Line:
        low, high = gap.difference.low, gap.difference.high
        ends = None if low is None or high is None else (along(low), along(high))
        return Line(gap, along(gap.difference.effect), ends)

    by_set: dict[str, list[Line]] = defaultdict(list)
    for gap in gaps:
        if gap.dataset is not None and gap.protocol is not None:
            by_set[set_title(gap.dataset, gap.protocol)].append(line(gap))
    step = round_step(most - least, 4)
    ticks = range(math.ceil(least / step) * step, math.floor(most) + 1, step)
    return Block(
        measure,
        along(0.0),
        tuple(Tick(along(tick / 100), signed(tick)[:-2] or "0") for tick in ticks),
        tuple(line(gap) for gap in gaps if gap.dataset is None),
        tuple((title, tuple(lines)) for title, lines in by_set.items()),
        tuple(equal),
    )
